"""The network in a runtime of this process, under the options of the served one."""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from artifact.names import ONNX, ModelNames
from artifact.telemetry import disable_telemetry
from perf.errors import PerfError

CUDA_NETWORK = "cuda_network.py"
TORCH_NETWORK = "torch_network.py"


def import_onnxruntime() -> ModuleType:
    """ONNX Runtime, which is slow to import and not everywhere.

    Raises:
        PerfError: it is not installed.
    """
    disable_telemetry()
    try:
        import onnxruntime
    except ImportError as error:
        raise PerfError(
            f"ONNX Runtime is not installed ({error}): pip install --editable .[perf], and for "
            "CUDA onnxruntime-gpu in place of onnxruntime"
        ) from None
    return onnxruntime


def network_session(repository: Path, names: ModelNames, options: Any = None) -> Any:
    """An `onnxruntime.InferenceSession` on CUDA, or on the CPU where ONNX Runtime has no CUDA.

    Args:
        repository: the model repository.
        names: of the build in it.
        options: `onnxruntime.SessionOptions`; None for the default ones.

    Raises:
        PerfError: there is no such build, or it cannot be loaded.
    """
    ort = import_onnxruntime()
    model = _model(repository, names)
    options = options or ort.SessionOptions()
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    served = _served_code(model.with_name(CUDA_NETWORK))
    providers: list[Any] = ["CPUExecutionProvider"]
    if served.PROVIDER in ort.get_available_providers():
        ort.preload_dlls()
        providers.insert(0, (served.PROVIDER, served.PROVIDER_OPTIONS))
        for name, value in served.INITIALIZERS.items():
            options.add_initializer(name, value)
    with faults_of(model):
        return ort.InferenceSession(model, options, providers=providers)


def pytorch_network(repository: Path, names: ModelNames) -> Any:
    """The served `TorchNetwork`, on the first GPU.

    Raises:
        PerfError: there is no such build, or no PyTorch with CUDA.
    """
    model = _model(repository, names)
    try:
        return _served_code(model.with_name(TORCH_NETWORK)).TorchNetwork(model, 0, print)
    except (ImportError, RuntimeError) as error:
        raise PerfError(f"PyTorch cannot run the network: {error}") from None


def _model(repository: Path, names: ModelNames) -> Path:
    model = repository / names.network_folder / ONNX
    if not model.is_file():
        raise PerfError(f"there is no {model}; build the repository first")
    return model


@contextmanager
def faults_of(model: Path) -> Iterator[None]:
    """Tells what ONNX Runtime refuses about a model as `PerfError`."""
    try:
        yield
    except Exception as error:  # ONNX Runtime has a dozen types, of no common base
        raise PerfError(f"{model}: ONNX Runtime refuses it: {error}") from error


@functools.cache  # A session refers to the module's initializers.
def _served_code(path: Path) -> ModuleType:
    """The module as the server would load it, from the repository itself."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise PerfError(f"there is no {path}; build the repository anew")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module
