"""Whether each plan that Triton is to load can be loaded here, before anything is loaded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from artifact.errors import ArtifactError
from artifact.gpu import visible_gpus
from artifact.manifest import MANIFEST, Manifest, read_manifest
from artifact.names import PLAN
from artifact.plan_check import plan_faults
from server.errors import ServerError
from server.libnvinfer import tensorrt_version
from server.locate import Installation

USES_TENSORRT = re.compile(r'^\s*(backend|platform)\s*:\s*"tensorrt', re.MULTILINE)


def check_plans(
    repository: Path, model_config_name: str | None, installation: Installation
) -> None:
    """Checks the plan of each model that TensorRT is to run and that has a manifest.

    Args:
        repository: a Triton model repository.
        model_config_name: Triton's --model-config-name.
        installation: the tritonserver that is to load the plans.

    Raises:
        ServerError: one cannot be loaded, and the message says which of contents, version and GPU
            disagrees; or a manifest cannot be read.
    """
    for path in sorted(repository.glob(f"*/*/{MANIFEST}")):
        if _uses_tensorrt(path.parent.parent, model_config_name):
            manifest = _read(path)
            faults = plan_faults(
                manifest, path.parent, tensorrt_version(installation), visible_gpus()
            )
            if faults:
                raise ServerError(_message(manifest, path.parent, faults))


def _read(path: Path) -> Manifest:
    try:
        return read_manifest(path)
    except ArtifactError as error:
        raise ServerError(str(error)) from error


def _uses_tensorrt(model: Path, model_config_name: str | None) -> bool:
    """Whether the configuration that Triton will take for the model asks for TensorRT."""
    config = model / "configs" / f"{model_config_name}.pbtxt"
    if not config.exists():
        config = model / "config.pbtxt"
    if not config.exists():
        return False
    return bool(USES_TENSORRT.search(config.read_text(encoding="utf-8", errors="replace")))


def _message(manifest: Manifest, folder: Path, faults: Sequence[str]) -> str:
    name = manifest.plan.file.name if manifest.plan else PLAN
    advice = "Build it anew where it is to be served (python -m builder build --runtime tensorrt)"
    if (folder / manifest.onnx.name).exists():
        advice += ", or serve it in ONNX Runtime: --model-config-name onnxruntime"
    return "\n  ".join([f"{folder / name} cannot be loaded here", *faults]) + f"\n{advice}"
