"""The network in ONNX Runtime on the CPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnxruntime as ort


class CpuNetwork:
    """One session for batches of any size on any canvas."""

    def __init__(self, model: Path, options: ort.SessionOptions) -> None:
        self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def is_ready(self) -> bool:
        """Always: what a process needs for it, it has as long as it lives."""
        return True

    def run(self, outputs: Sequence[str], batch: Mapping[str, Any]) -> list[Any]:
        """Returns the outputs of that name for the inputs of a batch."""
        return self._session.run(outputs, dict(batch))
