"""A copy of a model repository in which the network is the recorded one."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf import json_format, text_format
from tritonclient.grpc import model_config_pb2

from perf.connection import Connection, Tensors
from perf.errors import PerfError
from perf.input_data import inputs_of

MODEL = Path(__file__).with_name("model.py")
COUNT = "num_detections"
OF_THE_REAL_NETWORK = ("platform", "parameters", "optimization", "model_warmup")
"""What its configuration says of how it computes."""


def record(connection: Connection, pictures: Sequence[Path]) -> list[dict[str, Any]]:
    """What the served network answers to each picture: its outputs, and ``image_size``.

    Raises:
        PerfError: it does not answer.
    """
    answers = []
    for picture in pictures:
        inputs = inputs_of(connection, connection.names.network, picture)
        answer = connection.infer(connection.names.network, inputs)
        answers.append({**answer, "image_size": inputs["image_size"]})
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
    names = connection.names
    for model in repository.iterdir():
        if model.name != names.network:
            (folder / model.name).symlink_to(model.resolve())
    version = folder / names.network_folder
    version.mkdir(parents=True)
    shutil.copy(MODEL, version)
    tensors = answers[0].keys()
    np.savez(
        version / "answers.npz",
        **{name: np.concatenate([answer[name] for answer in answers]) for name in tensors},
    )
    config = _recorded_config(
        connection.model_config(names.network), connection.model_config(names.preprocess)
    )
    paths = [version.parent / "config.pbtxt"]
    if model_config_name is not None:
        paths.append(version.parent / "configs" / f"{model_config_name}.pbtxt")
        paths[-1].parent.mkdir()
    for path in paths:
        path.write_text(config)


def _recorded_config(network: Mapping[str, Any], preprocess: Mapping[str, Any]) -> str:
    """The text of the recorded network's configuration, from those of the models beside it."""
    real = {key: value for key, value in network.items() if key not in OF_THE_REAL_NETWORK}
    instances = sum(group["count"] for group in preprocess["instance_group"])
    recorded = {
        **real,
        "backend": "python",
        "default_model_filename": MODEL.name,
        "instance_group": [{"kind": "KIND_CPU", "count": instances}],
    }
    message = json_format.ParseDict(recorded, model_config_pb2.ModelConfig())
    return str(text_format.MessageToString(message))
