"""Pictures to calibrate on, prepared by the served code of preprocess."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from artifact import picture_files
from artifact.names import ModelNames
from builder.errors import BuildError
from builder.network import ModelConfig
from builder.repository.served_code import served_module

MOST_PICTURES = 32
"""A full-size network takes 20 s for each on two cores. On the demo model, the ranges of any 16
pictures are within 5% of those of 64, and those of 4 within 10%, on average over the layers."""

LISTED = 10


_decode = served_module(ModelNames().preprocess, "decode")
_resize = served_module(ModelNames().preprocess, "resize")


def find_pictures(
    folder: Path, report: Callable[[str], None], *, recursive: bool = False
) -> list[Path]:
    """The pictures of a folder, at most `MOST_PICTURES` of them, spread evenly by name.

    Their content is looked at too, so that a damaged one is found before anything is computed.

    Args:
        folder: see `artifact.picture_files.find_pictures`.
        report: is told what is passed over.
        recursive: go into the folders in it too.

    Raises:
        BuildError: there is no such folder, or no picture in it, or some cannot be decoded.
    """
    try:
        found = picture_files.find_pictures(folder, recursive=recursive)
    except OSError as error:
        where = error.filename or folder
        raise BuildError(f"--calibration: {where}: cannot be read: {error.strerror}") from error
    if not (pictures := found.pictures):
        raise BuildError(
            f"--calibration: {folder}: there is no picture in it, but "
            f"{found.passed_over or 'nothing at all'}; expected some dozens like those that will "
            "be served, such as .jpg files"
        )
    if found.passed_over:
        report(f"passed over in {folder}: {found.passed_over}")
    step = max(len(pictures) / MOST_PICTURES, 1)
    chosen = [pictures[int(i * step)] for i in range(min(len(pictures), MOST_PICTURES))]
    damaged = [reason for file in chosen if (reason := _why_unreadable(file))]
    if damaged:
        rest = len(damaged) - LISTED
        raise BuildError(
            f"--calibration: {len(damaged)} of {len(chosen)} pictures cannot be read; mend or "
            "remove them:\n  "
            + "\n  ".join(damaged[:LISTED] + ([f"and {rest} more"] if rest > 0 else []))
        )
    return chosen


def network_inputs(file: Path, config: ModelConfig) -> dict[str, npt.NDArray[np.generic]]:
    """A picture as the network's inputs, on the smallest canvas that the backbone takes.

    The network's answer does not depend on further padding, but its activations there would count
    as if they mattered.

    Returns:
        canvas UINT8 [1, H, W, 3], BGR, and image_size INT32 [1, 2], height and width in pixels.
    """
    image = _decode.decode_image(file.read_bytes())
    size = _resize.resized_size(
        image.height, image.width, config.input.min_size_test, config.input.max_size_test
    )
    multiple = config.model.size_divisibility
    canvas = np.zeros((1, *(-(-side // multiple) * multiple for side in size), 3), np.uint8)
    _resize.resize_with_pillow(image, canvas[0, : size[0], : size[1]])
    return {"canvas": canvas, "image_size": np.array([size], np.int32)}


def _why_unreadable(file: Path) -> str | None:
    try:
        _decode.decode_image(file.read_bytes())
    except OSError as error:
        return f"{file}: {error.strerror}"
    except _decode.DecodeError as error:
        return f"{file}: {error}"
    return None
