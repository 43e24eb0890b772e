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

from client.pictures.files import find_pictures
from perf.connection import Connection
from perf.errors import PerfError
from perf.scenario import Scenario

Inputs = dict[str, npt.NDArray[Any]]
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


def choose_pictures(folder: Path, count: int, *, recursive: bool = False) -> list[Path]:
    """`count` of the folder's pictures, evenly spread over their names; all if there are fewer.

    With `recursive`, those of the folders in it are among them.

    Raises:
        ClientError: there is no such folder, or no picture in it.
    """
    pictures = list(find_pictures([folder], recursive=recursive))
    count = min(count, len(pictures))
    return [pictures[i * len(pictures) // count] for i in range(count)]


def prepare_input_data(
    connection: Connection, scenario: Scenario, pictures: Sequence[Path], path: Path
) -> InputData:
    """Writes the file, and sends each of its requests once: the model then has seen every shape.

    Args:
        connection: to the server that is measured.
        scenario: what is measured there.
        pictures: those of the scenario.
        path: the file.

    Raises:
        PerfError: a model refuses a picture.
    """
    model = scenario.requested_model
    requests = {picture: inputs_of(connection, model, picture) for picture in pictures}
    if scenario.batch > 1:
        requests = of_one_shape(requests)
    write_input_data(path, list(requests.values()))
    regions: set[str] = set()
    largest = LEAST_OUTPUT_BYTES // 2
    for number, (picture, inputs) in enumerate(requests.items()):
        with _about(picture):
            answer = connection.infer(model, inputs)
        largest = max(largest, *(_size(array) for array in answer.values()))
        regions.update(answer, (f"{name}_0_{number}" for name in inputs))
    shared = scenario.transport == "system_shared_memory"
    return InputData(path, 2 * largest, tuple(sorted(regions)) if shared else ())


def inputs_of(connection: Connection, model: str, picture: Path) -> Inputs:
    """The inputs of `model`, one of the build's, for one picture.

    They are made by the served models themselves: a canvas by preprocess, detections by the
    network.

    Raises:
        PerfError: a model refuses what it is given.
    """
    wanted = _input_names(connection, model)
    with _about(picture):
        known = {"image": np.array([[picture.read_bytes()]], np.object_)}
        for source in (connection.names.preprocess, connection.names.network):
            if set(wanted) <= set(known):
                break
            inputs = {name: known[name] for name in _input_names(connection, source)}
            known |= connection.infer(source, inputs)
    return {name: known[name] for name in wanted}


def of_one_shape(requests: Mapping[Path, Inputs]) -> dict[Path, Inputs]:
    """Those whose shapes are the commonest: the pictures of one request share a canvas."""

    def shapes(inputs: Inputs) -> tuple[tuple[int, ...], ...]:
        return tuple(array.shape for array in inputs.values())

    commonest = Counter(map(shapes, requests.values())).most_common(1)[0][0]
    return {picture: inputs for picture, inputs in requests.items() if shapes(inputs) == commonest}


def write_input_data(path: Path, requests: Sequence[Inputs]) -> None:
    """Writes perf_analyzer's ``--input-data``: it sends the requests in turn.

    Args:
        path: the file.
        requests: for each its inputs; the file leaves their batch dimension out.
    """
    data = [{name: _entry(array[0]) for name, array in inputs.items()} for inputs in requests]
    path.write_text(json.dumps({"data": data}) + "\n")


def _input_names(connection: Connection, model: str) -> list[str]:
    return [tensor["name"] for tensor in connection.model_config(model)["input"]]


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
