"""Whether the files of a build can be loaded on this machine."""

from __future__ import annotations

import importlib
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from artifact.gpu import visible_gpus
from artifact.manifest import TITLES, FileRecord, Plan
from artifact.plan_check import file_faults, gpu_faults, version_faults
from artifact.telemetry import disable_telemetry
from builder.errors import BuildError
from builder.tensorrt.bindings import load_bindings
from server.errors import ServerError
from server.libnvinfer import tensorrt_version
from server.locate import find_tritonserver


@dataclass(frozen=True)
class Verdict:
    """Whether a file fits this machine."""

    fits: bool
    reasons: Sequence[str]
    """What loads it, or what keeps it from being loaded."""

    def __str__(self) -> str:
        if self.fits:
            return f"fits this machine ({'; '.join(self.reasons)})"
        return "\n  ".join(["does not fit this machine", *self.reasons])


def plan_fit(plan: Plan, folder: Path) -> Verdict:
    """Whether the TensorRT here loads the plan in `folder` on each of the GPUs here."""
    version, found_in = _version_here(plan.runtime)
    gpus = visible_gpus()
    faults = file_faults(plan.file, folder)
    if version is None:
        faults.append(f"version: it needs {TITLES[plan.runtime]}; there is none here")
    faults += version_faults(plan, version)
    if not gpus:
        capabilities = ", ".join(plan.compute_capabilities)
        faults.append(f"GPU: it needs one of compute capability {capabilities}; there is none here")
    faults += gpu_faults(plan, gpus)
    if faults:
        return Verdict(False, faults)
    return Verdict(True, [f"{TITLES[plan.runtime]} {version} of {found_in}", *map(str, gpus)])


def onnx_fit(path: Path, record: FileRecord | None) -> Verdict:
    """Whether the ONNX Runtime here loads the file.

    Args:
        record: what the build wrote; None if that is not known.
    """
    if record and (faults := file_faults(record, path.parent)):
        return Verdict(False, faults)
    disable_telemetry()
    try:
        onnxruntime = importlib.import_module("onnxruntime")
    except ImportError:
        return Verdict(False, ["it needs onnxruntime: pip install onnxruntime"])
    try:
        onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions have no base of their own
        return Verdict(False, [f"ONNX Runtime {onnxruntime.__version__} refuses it: {error}"])
    device = "CUDA" if "CUDAExecutionProvider" in onnxruntime.get_available_providers() else "CPU"
    return Verdict(True, [f"ONNX Runtime {onnxruntime.__version__} on {device}"])


def _version_here(runtime: str) -> tuple[str | None, str]:
    """The version of TensorRT that would load a plan here, and whose it is."""
    if runtime == "tensorrt":
        # Triton's comes first: it is to serve the plan, and may be another than Python's.
        with tempfile.TemporaryDirectory() as scratch:
            try:
                version = tensorrt_version(find_tritonserver(Path(scratch), os.environ))
            except ServerError:
                version = None
        if version:
            return version, "the tritonserver here"
    try:
        return load_bindings(runtime).version, "this Python"
    except BuildError:
        return None, ""
