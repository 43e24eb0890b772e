"""The Triton model repository: the four models of `model_repository/` with a network in them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import onnx

from artifact.manifest import sha256_of
from builder.errors import BuildError
from builder.network import ModelConfig
from builder.repository import models
from builder.repository.categories import Category

CHECKED_IN = Path(__file__).resolve().parents[2] / "model_repository"
"""The models' Python code is copied from here; their configurations here are COCO's."""

NETWORK_FOLDER = f"{models.NETWORK}/1"
NETWORK_ONNX = f"{NETWORK_FOLDER}/model.onnx"
NETWORK_PLAN = f"{NETWORK_FOLDER}/model.plan"


def write_repository(
    directory: Path,
    config: ModelConfig,
    categories: Sequence[Category],
    max_batch: int,
    instances: int,
    network: onnx.ModelProto,
    opt_batch: int | None = None,
) -> None:
    """Write the repository into an empty folder, complete but for a plan and a manifest.

    Args:
        directory: the folder, see `builder.staging.staged`.
        config: what the network was built from.
        categories: one for each of the network's classes.
        max_batch: pictures per batch, in each of the models.
        instances: processes of preprocess, and as many of postprocess.
        network: the ONNX model.
        opt_batch: see `configurations`.

    Raises:
        BuildError: if the models' code is not where it should be, or a file cannot be written.
    """
    try:
        for model in models.NAMES:
            _copy_code(CHECKED_IN / model / "1", directory / model / "1")
        onnx.save_model(network, str(directory / NETWORK_ONNX))
        onnx_sha256 = sha256_of(directory / NETWORK_ONNX)
        texts = configurations(config, categories, max_batch, instances, opt_batch, onnx_sha256)
        for name, pbtxt in texts.items():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            (directory / name).write_text(pbtxt, encoding="utf-8")
    except OSError as error:
        raise BuildError(f"the repository cannot be written: {error}") from error


def configurations(
    config: ModelConfig,
    categories: Sequence[Category],
    max_batch: int,
    instances: int,
    opt_batch: int | None = None,
    onnx_sha256: str | None = None,
) -> dict[str, str]:
    """The text of each configuration file, by its path in the repository.

    Args:
        config: what the network was built from.
        categories: one for each of the network's classes.
        max_batch: pictures per batch, in each of the models.
        instances: processes of preprocess, and as many of postprocess.
        opt_batch: pictures in the batch that the TensorRT plan is tuned for; None for `max_batch`.
        onnx_sha256: hash of the network, which clients can read; None where there is none, as in
            the checked-in repository.
    """
    default = (
        models.ensemble(config, categories, max_batch),
        models.preprocess(config, max_batch, instances),
        models.tensorrt_network(config, max_batch, opt_batch or max_batch, onnx_sha256),
        models.postprocess(config, categories, max_batch, instances),
    )
    texts = {f"{model.name}/config.pbtxt": model.pbtxt() for model in default}
    for name, network in (
        ("onnxruntime", models.onnxruntime_network),
        ("onnxruntime_cuda", models.onnxruntime_cuda_network),
    ):
        text = network(config, max_batch, onnx_sha256).pbtxt()
        texts[f"{models.NETWORK}/configs/{name}.pbtxt"] = text
    return texts


def _copy_code(source: Path, target: Path) -> None:
    """Copy a model's version folder, but for what earlier builds and runs left in it."""
    if not source.is_dir():
        raise BuildError(
            f"{source}: is missing; the models' code is copied from the clone of this project "
            "that the builder runs from"
        )
    target.mkdir(parents=True)
    for file in source.iterdir():
        if file.suffix == ".py" or file.name == ".gitkeep":
            shutil.copy(file, target / file.name)
