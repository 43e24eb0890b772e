"""The Triton model repository: the four models of `model_repository/` with a network in them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import onnx

from artifact.manifest import sha256_of
from artifact.names import ONNX, VERSION, ModelNames
from artifact.reference import PARAMETER
from builder.errors import BuildError
from builder.repository import models
from builder.repository.models import Pipeline
from builder.repository.pbtxt import TritonModelConfig
from builder.repository.reference import reference

CHECKED_IN = Path(__file__).resolve().parents[2] / "model_repository"
"""The models' Python code is copied from here; their configurations here are COCO's."""


def write_repository(directory: Path, pipeline: Pipeline, network: onnx.ModelProto) -> None:
    """Write the four models into an empty folder, complete but for a plan and a manifest.

    Args:
        directory: the folder, see `builder.staging.staged`.
        pipeline: the models; `onnx_sha256` is found here.
        network: the ONNX model.

    Raises:
        BuildError: if the models' code is not where it should be, or a file cannot be written.
    """
    onnx_file = directory / pipeline.names.network_folder / ONNX
    try:
        for code, model in zip(ModelNames(), pipeline.names, strict=True):
            _copy_code(CHECKED_IN / code / VERSION, directory / model / VERSION)
        onnx.save_model(network, str(onnx_file))
        texts = configurations(replace(pipeline, onnx_sha256=sha256_of(onnx_file)))
        for name, pbtxt in texts.items():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            (directory / name).write_text(pbtxt, encoding="utf-8")
    except OSError as error:
        raise BuildError(f"the repository cannot be written: {error}") from error


def configurations(pipeline: Pipeline) -> dict[str, str]:
    """The text of each configuration file, by its path in the repository."""
    ensemble = models.ensemble(pipeline)
    steps = (
        models.preprocess(pipeline),
        models.tensorrt_network(pipeline),
        models.postprocess(pipeline),
    )
    configs = {
        f"{model.name}/config.pbtxt": model
        for model in (_with_reference(ensemble, steps, pipeline), *steps)
    }
    others = f"{pipeline.names.network}/configs"
    configs[f"{others}/onnxruntime.pbtxt"] = models.onnxruntime_network(pipeline)
    configs[f"{others}/onnxruntime_cuda.pbtxt"] = models.onnxruntime_cuda_network(pipeline)
    configs[f"{others}/pytorch.pbtxt"] = models.pytorch_network(pipeline)
    return {path: config.pbtxt() for path, config in configs.items()}


def _with_reference(
    ensemble: TritonModelConfig, steps: Sequence[TritonModelConfig], pipeline: Pipeline
) -> TritonModelConfig:
    if pipeline.recorded is None:
        return ensemble
    text = reference(pipeline.recorded, pipeline.config, (ensemble, *steps)).to_json()
    return replace(ensemble, parameters={**ensemble.parameters, PARAMETER: text})


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
