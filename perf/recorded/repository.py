"""A copy of a model repository in which the network is the recorded one."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf import text_format  # type: ignore[import-untyped]

from builder.repository.models import NETWORK, PREPROCESS
from perf.errors import PerfError
from perf.runner.connection import Connection, Tensors
from perf.runner.input_data import tensors_for

MODEL = Path(__file__).with_name("model.py")
COUNT = "num_detections"


def record(connection: Connection, pictures: Sequence[Path]) -> list[dict[str, Any]]:
    """What the served network answers to each picture: its outputs, and ``image_size``.

    Raises:
        PerfError: it does not answer.
    """
    answers = []
    for picture in pictures:
        tensors = tensors_for(connection, NETWORK, picture)
        answer = connection.infer(NETWORK, tensors)
        answers.append({**answer, "image_size": tensors["image_size"]})
    return answers


def fill_all_places(answers: Sequence[Tensors]) -> list[dict[str, npt.NDArray[Any]]]:
    """Answers in which every place for a detection is taken, by repeating those that are there.

    A picture without detections gets those of the picture with the most.

    Raises:
        PerfError: no picture has any.
    """
    most = max(answers, key=lambda answer: int(answer[COUNT][0, 0]))
    if not most[COUNT][0, 0]:
        raise PerfError("the network detected nothing in any of the pictures; name others")
    filled = []
    for answer in answers:
        source = answer if answer[COUNT][0, 0] else most
        count, places = int(source[COUNT][0, 0]), source["scores"].shape[1]
        turns = np.arange(places) % count
        full = {
            name: array if name in (COUNT, "image_size") else array[:, turns]
            for name, array in source.items()
        }
        filled.append({**full, COUNT: np.full_like(source[COUNT], places)})
    return filled


def write_recorded_repository(
    folder: Path,
    repository: Path,
    model_config_name: str | None,
    connection: Connection,
    answers: Sequence[Tensors],
) -> None:
    """Writes a repository with links to the models of another, except for its network.

    Args:
        folder: an existing empty folder.
        repository: the other one.
        model_config_name: what it is served with; the copy is to be served with the same.
        connection: to a server on it: the recorded network has the configuration of the network
            there, so that the same batches form, and as many instances as preprocess.
        answers: see `record`.
    """
    for model in repository.iterdir():
        if model.name != NETWORK:
            (folder / model.name).symlink_to(model.resolve())
    version = folder / NETWORK / "1"
    version.mkdir(parents=True)
    shutil.copy(MODEL, version)
    names = answers[0].keys()
    np.savez(
        version / "answers.npz",
        **{name: np.concatenate([answer[name] for answer in answers]) for name in names},
    )
    config = connection.model_config(NETWORK)
    preprocess = connection.model_config(PREPROCESS)
    config.backend, config.platform, config.default_model_filename = "python", "", "model.py"
    for field in ("instance_group", "parameters", "optimization", "model_warmup"):
        config.ClearField(field)
    instances = config.instance_group.add()
    instances.kind = instances.KIND_CPU
    instances.count = sum(group.count for group in preprocess.instance_group)
    text = text_format.MessageToString(config)
    paths = [version.parent / "config.pbtxt"]
    if model_config_name is not None:
        paths.append(version.parent / "configs" / f"{model_config_name}.pbtxt")
        paths[-1].parent.mkdir()
    for path in paths:
        path.write_text(text)
