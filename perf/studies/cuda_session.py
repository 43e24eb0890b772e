"""The network in ONNX Runtime on CUDA, under the options of the served one."""

from __future__ import annotations

from pathlib import Path

import onnxruntime as ort

from builder.repository.models import NETWORK
from builder.repository.served_code import served_module

_cuda_network = served_module(NETWORK, "cuda_network")


def cuda_session(model: Path, options: ort.SessionOptions | None = None) -> ort.InferenceSession:
    """A session for `model`, on the CPU where this ONNX Runtime has no CUDA."""
    options = options or ort.SessionOptions()
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    if _cuda_network.PROVIDER not in ort.get_available_providers():
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    ort.preload_dlls()
    providers = [(_cuda_network.PROVIDER, _cuda_network.PROVIDER_OPTIONS), "CPUExecutionProvider"]
    return ort.InferenceSession(model, options, providers=providers)
