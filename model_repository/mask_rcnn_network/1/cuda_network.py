"""The network in ONNX Runtime on a GPU: a session for each shape that a batch may have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from batch_parts import batch_parts

PROVIDER = "CUDAExecutionProvider"
PROVIDER_OPTIONS = {
    # Tensor cores take channels last; without this each convolution would transpose twice.
    "prefer_nhwc": "1",
    # The exhaustive search chose slower ones, and takes minutes for each new shape.
    "cudnn_conv_algo_search": "HEURISTIC",
}

INITIALIZERS = {
    # Each other size would be planned anew, and what is done for one map after the other costs some
    # launches; see detection_rounds.py, grouped_nms.py and roi_pooler.py in
    # builder/network/operators.
    "in_rounds": ort.OrtValue.ortvalue_from_numpy(np.array(True)),
    "level_by_level": ort.OrtValue.ortvalue_from_numpy(np.array(False)),
    "one_by_one": ort.OrtValue.ortvalue_from_numpy(np.array(False)),
}
"""Values for initializers of the network, where it has them. Sessions refer to these objects."""

PROBE = np.zeros(1, np.float32)


class CudaNetwork:
    """Runs batches of 1, 2, 4, 8 … pictures, each size on each canvas in a session of its own.

    ONNX Runtime's convolutions keep cuDNN's plan for the shape that they saw last. In one session
    for all shapes, each batch of another size or canvas than the one before would plan every
    convolution anew, which takes longer than computing it. So a batch of 7 is computed as 4, 2 and
    1. A session is made when its shape first comes, in the warm-up of
    ``configs/onnxruntime_cuda.pbtxt``; all share one arena, because only one runs at a time.

    Raises:
        RuntimeError: the installed onnxruntime has no CUDA.
    """

    def __init__(self, model: Path, options: ort.SessionOptions, device_id: int) -> None:
        if PROVIDER not in ort.get_available_providers():
            raise RuntimeError(
                f"this instance is on GPU {device_id}, but the installed onnxruntime has no CUDA; "
                "install onnxruntime-gpu in its place, or serve with --model-config-name "
                "onnxruntime"
            )
        ort.preload_dlls()
        gpu_memory = ort.OrtMemoryInfo(
            "Cuda", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, device_id, ort.OrtMemType.DEFAULT
        )
        as_requested = ort.OrtArenaCfg({"arena_extend_strategy": 1})
        ort.create_and_register_allocator_v2(PROVIDER, gpu_memory, {}, as_requested)
        options.add_session_config_entry("session.use_env_allocators", "1")
        for name, value in INITIALIZERS.items():
            options.add_initializer(name, value)
        self._model = model
        self._options = options
        self._cuda = {"device_id": str(device_id), **PROVIDER_OPTIONS}
        self._sessions: dict[tuple[int, ...], ort.InferenceSession] = {}
        self._on_gpu = ort.OrtValue.ortvalue_from_numpy(PROBE, "cuda", device_id)

    def is_ready(self) -> bool:
        """Copies a number to the GPU.

        After a fault of the GPU, CUDA refuses this process everything, this too.

        Raises:
            RuntimeError: the GPU does not answer any more; the message has CUDA's reason.
        """
        self._on_gpu.update_inplace(PROBE)
        return True

    def run(self, outputs: Sequence[str], batch: Mapping[str, Any]) -> list[Any]:
        """Returns the outputs of that name for the inputs of a batch."""
        parts = [self._session(part).run(outputs, part) for part in batch_parts(batch)]
        return (
            parts[0]
            if len(parts) == 1
            else [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]
        )

    def _session(self, batch: Mapping[str, Any]) -> ort.InferenceSession:
        shape = batch["canvas"].shape
        if shape not in self._sessions:
            self._sessions[shape] = ort.InferenceSession(
                self._model,
                self._options,
                providers=[(PROVIDER, self._cuda), "CPUExecutionProvider"],
            )
        return self._sessions[shape]
