"""ONNX Runtime's telemetry, which it has had on Linux since 1.29, and which is on by default."""

from __future__ import annotations

import os


def disable_telemetry() -> None:
    """Keeps the ONNX Runtime that is imported after this from reporting to its makers.

    Its own function for it, `disable_telemetry_events`, leaves the first report on its way. Who
    wants the reports sets ``ORT_DISABLE_TELEMETRY=0``.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
