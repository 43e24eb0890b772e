"""What is asked of an int8 network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Int8Options:
    """How to quantize."""

    calibration: Path
    """A folder of pictures, or an earlier build's calibration.json."""
    recursive: bool = False
    """Go into the folders in that folder too."""
    fp16_layers: tuple[str, ...] | None = None
    """See `builder.quantization.choose_layers`."""
