"""The result of calibrating, kept beside the network so that a rebuild needs no pictures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from artifact.json_text import parse_json
from builder.errors import BuildError
from builder.network import ModelConfig, network_spec
from builder.network.int8 import FP16_MAX

CALIBRATION = "calibration.json"
FORMAT = "mask-rcnn-triton calibration 1"

FEW_PICTURES = 8
"""With fewer, the ranges depend much on which pictures they are."""


@dataclass(frozen=True)
class Calibration:
    """What enters the layers of a network with certain weights."""

    weights_sha256: str
    """See `weights_hash`."""
    pictures: int
    """How many it was measured on."""
    input_ranges: Mapping[str, float]
    """See `builder.quantization.calibrate.measure_input_ranges`."""

    def write(self, folder: Path) -> None:
        """Writes calibration.json.

        Raises:
            BuildError: it cannot be written.
        """
        content = json.dumps({"format": FORMAT, **asdict(self)}, indent=2)
        try:
            (folder / CALIBRATION).write_text(content + "\n", encoding="utf-8")
        except OSError as error:
            raise BuildError(f"{folder / CALIBRATION}: cannot be written: {error}") from error


def obtain_calibration(
    source: Path,
    config: ModelConfig,
    weights: Mapping[str, npt.NDArray[np.float32]],
    report: Callable[[str], None],
    *,
    recursive: bool = False,
) -> Calibration:
    """Calibrates on a folder of pictures, or reads what an earlier build measured.

    Args:
        source: the folder, or an earlier build's calibration.json.
        config, weights: as for `builder.network.export_onnx`.
        report: is given lines on the progress.
        recursive: go into the folders in the folder too.

    Raises:
        BuildError: the pictures or the file cannot be used, the file is of other weights, or what
            calibrating needs is not installed.
    """
    if source.is_file():
        layers = network_spec(config).quantizable_layers
        return read_calibration(source, layers, weights_hash(weights))
    try:
        from builder.quantization.calibrate import measure_input_ranges
        from builder.quantization.pictures import find_pictures
    except ImportError as error:
        raise BuildError(
            f"calibrating for int8 runs the network and the preprocessing, but {error.name} is "
            "not installed: pip install onnxruntime opencv-python-headless pillow"
        ) from error
    pictures = find_pictures(source, report, recursive=recursive)
    if len(pictures) < FEW_PICTURES:
        count = "1 picture" if len(pictures) == 1 else f"{len(pictures)} pictures"
        report(
            f"warning: {count} only; with fewer than {FEW_PICTURES}, the ranges depend much on "
            "which they are"
        )
    ranges = measure_input_ranges(config, weights, pictures, report)
    return Calibration(weights_hash(weights), len(pictures), ranges)


def read_calibration(path: Path, layers: Sequence[str], weights_sha256: str) -> Calibration:
    """Reads a calibration.json.

    Args:
        path: the file.
        layers: whose ranges it has to hold.
        weights_sha256: of the weights that it has to be of.

    Raises:
        BuildError: it cannot be read, is no calibration.json, or is another network's.
    """
    try:
        content = parse_json(path.read_bytes())
        if content.pop("format") != FORMAT:
            raise ValueError("another format")
        calibration = Calibration(**content)
        ranges = calibration.input_ranges
        unusable = [layer for layer in ranges if not _is_magnitude(ranges[layer])]
    except OSError as error:
        raise BuildError(f"--calibration: {path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BuildError(
            f"--calibration: {path}: is neither a folder of pictures nor the {CALIBRATION} that "
            f"an int8 build leaves beside its network ({error})"
        ) from error
    if unusable:
        raise BuildError(
            f"--calibration: {path}: the range of {unusable[0]} is {ranges[unusable[0]]!r}; "
            f"expected a number from 0 to {FP16_MAX:g}"
        )
    if calibration.weights_sha256 != weights_sha256 or set(ranges) != set(layers):
        raise BuildError(
            f"--calibration: {path}: was measured with other weights; give a folder of pictures "
            "to measure these"
        )
    return calibration


def weights_hash(weights: Mapping[str, npt.NDArray[np.float32]]) -> str:
    """SHA-256 over names and values, whichever file they came from."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode() + b"\0" + weights[name].tobytes())
    return digest.hexdigest()


def _is_magnitude(value: object) -> bool:
    return isinstance(value, float | int) and 0 <= value <= FP16_MAX
