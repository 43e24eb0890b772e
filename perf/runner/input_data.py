"""What perf_analyzer sends: real pictures, or what the models before made of them."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tritonclient.utils import serialize_byte_tensor

from builder.repository.models import NETWORK, PREPROCESS
from client.pictures.files import find_pictures
from perf.errors import PerfError
from perf.runner.connection import Connection
from perf.scenario import Scenario

Step = dict[str, npt.NDArray[Any]]
"""The input tensors of one request, with a batch dimension of 1."""

LEAST_OUTPUT_BYTES = 100 * 1024  # perf_analyzer's own default


@dataclass(frozen=True)
class InputData:
    """perf_analyzer's ``--input-data``, and what the answers to it need."""

    path: Path
    output_bytes: int
    """Room for the largest output tensor of one picture, twice what was seen."""
    regions: tuple[str, ...]
    """The names that perf_analyzer gives to its shared memory, if it uses any: the same in every
    run, so that no two such runs can go on at once on a machine."""


def choose_pictures(folder: Path, count: int) -> list[Path]:
    """`count` of the folder's pictures, evenly spread over their names; all if there are fewer.

    Raises:
        ClientError: there is no such folder, or no picture in it.
    """
    pictures = find_pictures([folder])
    count = min(count, len(pictures))
    return [pictures[i * len(pictures) // count] for i in range(count)]


def prepare_input_data(
    connection: Connection, scenario: Scenario, pictures: Sequence[Path], path: Path
) -> InputData:
    """Writes the file, and sends each of its requests once: the model then has seen every shape.

    Raises:
        PerfError: a model refuses a picture.
    """
    steps = {picture: tensors_for(connection, scenario.model, picture) for picture in pictures}
    if scenario.batch > 1:
        steps = of_one_shape(steps)
    write_input_data(path, list(steps.values()))
    regions: set[str] = set()
    largest = LEAST_OUTPUT_BYTES // 2
    for number, (picture, step) in enumerate(steps.items()):
        with _about(picture):
            answer = connection.infer(scenario.model, step)
        largest = max(largest, *(_size(array) for array in answer.values()))
        regions.update(answer, (f"{name}_0_{number}" for name in step))
    shared = scenario.transport == "system_shared_memory"
    return InputData(path, 2 * largest, tuple(sorted(regions)) if shared else ())


def tensors_for(connection: Connection, model: str, picture: Path) -> Step:
    """The inputs of `model` for one picture, with a batch dimension of 1.

    They are made by the served models themselves: a canvas by preprocess, detections by the
    network.

    Raises:
        PerfError: a model refuses what it is given.
    """
    wanted = [tensor.name for tensor in connection.model_config(model).input]
    with _about(picture):
        known = {"image": np.array([[picture.read_bytes()]], np.object_)}
        for source in (PREPROCESS, NETWORK):
            if set(wanted) <= set(known):
                break
            inputs = [tensor.name for tensor in connection.model_config(source).input]
            known |= connection.infer(source, {name: known[name] for name in inputs})
    return {name: known[name] for name in wanted}


def of_one_shape(steps: Mapping[Path, Step]) -> dict[Path, Step]:
    """Those whose shapes are the commonest: the pictures of one request share a canvas."""

    def shapes(step: Step) -> tuple[tuple[int, ...], ...]:
        return tuple(array.shape for array in step.values())

    commonest = Counter(map(shapes, steps.values())).most_common(1)[0][0]
    return {picture: step for picture, step in steps.items() if shapes(step) == commonest}


def write_input_data(path: Path, steps: Sequence[Step]) -> None:
    """Writes perf_analyzer's ``--input-data``: it sends the steps in turn.

    Args:
        steps: for each request the inputs, with a batch dimension of 1, which the file leaves out.
    """
    data = [{name: _entry(array[0]) for name, array in step.items()} for step in steps]
    path.write_text(json.dumps({"data": data}) + "\n")


@contextmanager
def _about(picture: Path) -> Iterator[None]:
    """Names the picture in what goes wrong with it."""
    try:
        yield
    except OSError as error:
        raise PerfError(f"{picture}: cannot be read: {error.strerror}") from None
    except PerfError as error:
        raise PerfError(f"{picture}: {error}") from None


def _entry(array: npt.NDArray[Any]) -> dict[str, Any]:
    # Elements of BYTES keep the 4-byte length before each that they have on the wire.
    serialized = serialize_byte_tensor(array) if array.dtype == np.object_ else None
    content = array.tobytes() if serialized is None else serialized.item()
    return {"content": {"b64": base64.b64encode(content).decode()}, "shape": list(array.shape)}


def _size(array: npt.NDArray[Any]) -> int:
    if array.dtype == np.object_:
        return sum(len(element) + 4 for element in array.flat)
    return int(array.nbytes)
