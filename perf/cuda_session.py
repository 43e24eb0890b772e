"""The network in ONNX Runtime on CUDA as `mask_rcnn_network/1/model.py` sets it up."""

from __future__ import annotations

from pathlib import Path

import onnxruntime as ort

CUDA = {"prefer_nhwc": "1", "cudnn_conv_algo_search": "HEURISTIC"}


def cuda_session(model: Path, options: ort.SessionOptions | None = None) -> ort.InferenceSession:
    """A session for `model`, on the CPU where this ONNX Runtime has no CUDA."""
    options = options or ort.SessionOptions()
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    if "CUDAExecutionProvider" not in ort.get_available_providers():
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    ort.preload_dlls()
    providers = [("CUDAExecutionProvider", CUDA), "CPUExecutionProvider"]
    return ort.InferenceSession(model, options, providers=providers)
