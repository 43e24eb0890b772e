"""The Triton model repository: the four models of `model_repository/` with a network in them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import onnx

from builder import triton_models
from builder.categories import Category
from builder.config import ModelConfig
from builder.errors import BuildError

CHECKED_IN = Path(__file__).resolve().parent.parent / "model_repository"
"""The models' Python code is copied from here; their configurations here are COCO's."""

NETWORK_ONNX = f"{triton_models.NETWORK}/1/model.onnx"


def write_repository(
    directory: Path,
    config: ModelConfig,
    categories: Sequence[Category],
    max_batch: int,
    network: onnx.ModelProto,
) -> None:
    """Write the complete repository into an empty folder.

    Args:
        directory: the folder, see `builder.staging.staged`.
        config: what the network was built from.
        categories: one for each of the network's classes.
        max_batch: pictures per batch, in each of the models.
        network: the ONNX model.

    Raises:
        BuildError: if the models' code is not where it should be, or a file cannot be written.
    """
    try:
        for name, pbtxt in configurations(config, categories, max_batch).items():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            (directory / name).write_text(pbtxt, encoding="utf-8")
        for model in triton_models.NAMES:
            _copy_code(CHECKED_IN / model / "1", directory / model / "1")
        onnx.save_model(network, str(directory / NETWORK_ONNX))
    except OSError as error:
        raise BuildError(f"the repository cannot be written: {error}") from error


def configurations(
    config: ModelConfig, categories: Sequence[Category], max_batch: int
) -> dict[str, str]:
    """The text of each configuration file, by its path in the repository."""
    default = (
        triton_models.ensemble(config, categories, max_batch),
        triton_models.preprocess(config, max_batch),
        triton_models.tensorrt_network(config, max_batch),
        triton_models.postprocess(config, categories, max_batch),
    )
    texts = {f"{model.name}/config.pbtxt": model.pbtxt() for model in default}
    onnxruntime = triton_models.onnxruntime_network(config, max_batch)
    texts[f"{onnxruntime.name}/configs/onnxruntime.pbtxt"] = onnxruntime.pbtxt()
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
