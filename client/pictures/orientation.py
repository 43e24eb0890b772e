"""Which way up a picture is, as client and server both read it.

`mask_rcnn_preprocess` is served with this very file, so that a size which the client reads from a
header is that of the masks which come back. It imports none of ours.
"""

from __future__ import annotations

import io
import logging
import os
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from PIL import Image
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

_ORIENTATION, _IMAGE_WIDTH, _IMAGE_LENGTH = 274, 256, 257  # tags of TIFF 6.0 and EXIF

# What detectron2 does for each value of the tag (detectron2/data/detection_utils.py).
_TRANSPOSE_FOR_ORIENTATION: dict[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LAID_ON_THEIR_SIDE = {_TRANSPOSE_FOR_ORIENTATION[value] for value in (5, 6, 7, 8)}

_NOWHERE = os.open(os.devnull, os.O_WRONLY)
_SILENCE = threading.RLock()
"""Held by the thread that has warnings and stderr put away, which are the whole process's."""
_PNG_SIGNATURE_BYTES = 8
_PNG_METADATA = frozenset({b"eXIf", b"iTXt", b"tEXt", b"zTXt"})


@contextmanager
def without_warnings() -> Iterator[None]:
    """Keeps from stderr what Pillow finds odd in a picture that it then reads all the same."""
    logger = logging.getLogger("PIL")
    with _SILENCE, warnings.catch_warnings():
        level = logger.level
        warnings.simplefilter("ignore")
        logger.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            logger.setLevel(level)


@without_warnings()
def upright_size(image: Image.Image) -> tuple[int, int]:
    """(height, width) in pixels of an opened picture once it is upright; nothing is decoded."""
    if isinstance(image, TiffImageFile):
        # Pillow 11.2 and later have it turned in `size`, but not by the orientation in XMP.
        width, height = image.tag_v2[_IMAGE_WIDTH], image.tag_v2[_IMAGE_LENGTH]
    else:
        width, height = image.size
    return (width, height) if _transpose(image) in _LAID_ON_THEIR_SIDE else (height, width)


@without_warnings()
def upright(image: Image.Image) -> Image.Image:
    """Decode an opened picture and turn it upright.

    Args:
        image: as `PIL.Image.open` returns it. Of an animation, its first frame is decoded.

    Returns:
        The picture in mode ``RGB``, of `upright_size`.

    Raises:
        Exception: whatever damaged bytes lead Pillow into.
    """
    if isinstance(image, TiffImageFile):
        with _without_stderr():
            image.load()  # which turns it upright
    elif (transpose := _transpose(image)) is not None:
        image = image.transpose(transpose)
    return image.convert("RGB")


@contextmanager
def _without_stderr() -> Iterator[None]:
    """For libtiff, which writes past Python; Pillow raises what it could not decode."""
    with _SILENCE:
        kept = os.dup(2)
        try:
            os.dup2(_NOWHERE, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _transpose(image: Image.Image) -> Image.Transpose | None:
    """What turns an opened picture upright. Metadata that cannot be read is taken for none."""
    try:
        described = image
        if isinstance(image, PngImageFile) and "exif" not in image.info:
            described = _with_all_metadata_in_front(image)
        # PNG's own would decode the picture to see what is behind its pixels.
        orientation = Image.Image.getexif(described).get(_ORIENTATION)
        return _TRANSPOSE_FOR_ORIENTATION.get(orientation)
    except MemoryError:
        raise
    except Exception:  # detectron2 decodes such a picture as it lies, so this does
        return None


def _with_all_metadata_in_front(image: PngImageFile) -> Image.Image:
    """A PNG without pixels, whose metadata are in `info` wherever they are in that of `image`."""
    assert image.fp is not None
    place = image.fp.tell()
    try:
        image.fp.seek(0)
        head = io.BytesIO()
        head.write(image.fp.read(_PNG_SIGNATURE_BYTES))
        late = _copy_metadata(image.fp, head, image.is_animated)
    finally:
        image.fp.seek(place)  # where Pillow goes on
    return Image.open(head, formats=("PNG",)) if late else image


def _copy_metadata(png: IO[bytes], head: IO[bytes], is_animated: bool) -> bool:
    """Copies what is not pixels, up to where Pillow reads for the first frame.

    Returns:
        Whether there are metadata behind the pixels.
    """
    pixels = late = False
    while len(start := png.read(8)) == 8:
        length, kind = struct.unpack(">I4s", start)
        if kind == b"IEND" or (pixels and is_animated and kind == b"fcTL"):
            break
        if kind == b"IDAT":
            pixels = True
        elif not pixels or kind in _PNG_METADATA:
            late |= pixels
            content = png.read(length)
            # Pillow leaves checksums behind the pixels unread, so they are written anew.
            head.write(start + content + struct.pack(">I", zlib.crc32(kind + content)))
            png.seek(4, io.SEEK_CUR)
            continue
        png.seek(length + 4, io.SEEK_CUR)
    head.write(struct.pack(">I4s", 0, b"IDAT"))
    head.seek(0)
    return late
