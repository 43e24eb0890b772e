"""The formats of pictures that are served, and how their files are known.

`mask_rcnn_preprocess` is served with this very file. It imports none of ours.
"""

from __future__ import annotations

import re

SUFFIXES = {
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png", ".apng"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}
"""For each format the suffixes of its files, in small letters."""

FORMATS = tuple(SUFFIXES)
"""What may be sent, as Pillow names it. The rest of what Pillow reads is left out because it is
not meant for pictures from strangers: EPS, for one, is handed to a Ghostscript process."""

_BEGINNING = re.compile(
    rb"BM|GIF8[79]a|\xff\xd8\xff|\x89PNG\r\n\x1a\n|P[1-6fFy]\s|II[*+]\0|MM\0[*+]|RIFF....WEBP",
    re.DOTALL,
)
BEGINNING_BYTES = 12


def has_picture_suffix(name: str) -> bool:
    """Whether a file's name ends as those of one of the formats do, in small or large letters."""
    return name.lower().endswith(tuple(suffix for each in SUFFIXES.values() for suffix in each))


def begins_like_a_picture(content: bytes) -> bool:
    """Whether a file may be of one of the formats, by its first `BEGINNING_BYTES`."""
    return _BEGINNING.match(content) is not None
