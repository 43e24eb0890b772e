"""Encoded pictures to pixels, as detectron2's ``read_image`` decodes them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Literal, get_args

from jpeg import MAX_SCANS, has_too_many_scans
from orientation import upright, without_warnings
from picture_formats import FORMATS
from PIL import Image

MAX_PIXELS = 89_478_485
"""Larger pictures are refused from their header. Pillow's own limit: 341 MiB as it holds them."""

MAX_REQUEST_PIXELS = 2 * MAX_PIXELS
"""All pictures of a request together: 8 of 22 megapixels each. They are in memory at once."""

Reason = Literal["empty", "not_a_picture", "too_large", "too_many_scans", "damaged"]
"""Why a picture is refused, for those who count."""

REASONS: tuple[Reason, ...] = get_args(Reason)


class DecodeError(ValueError):
    """The bytes are not a picture that can be served.

    Args:
        message: what is wrong with them.
        reason: for those who count.
    """

    def __init__(self, message: str, reason: Reason) -> None:
        super().__init__(message)
        self.reason = reason


def decode_images(encoded: Sequence[bytes]) -> list[Image.Image]:
    """`decode_image` for each picture of a request.

    Raises:
        DecodeError: for the first that cannot be served, saying which it is, or that brings the
            request above `MAX_REQUEST_PIXELS`.
    """
    images = []
    pixels = 0
    for index, data in enumerate(encoded):
        try:
            picture = _open(data)
            pixels += picture.width * picture.height
            if pixels > MAX_REQUEST_PIXELS:
                raise DecodeError(
                    f"with those before it, it declares {pixels} pixels, more than the "
                    f"{MAX_REQUEST_PIXELS} that are accepted in one request: send fewer at a time",
                    "too_large",
                )
            images.append(_decode(picture))
        except DecodeError as error:
            raise DecodeError(
                f"image {index} of the request (counted from 0, of {len(encoded)}): {error}; "
                f"expected one whole picture file, one of {', '.join(FORMATS)}",
                error.reason,
            ) from error
    return images


def decode_image(data: bytes) -> Image.Image:
    """Decode one picture and turn it upright.

    The pixels are those of detectron2's ``read_image``: decoded by Pillow, turned by the EXIF
    orientation, converted to RGB. Of an animation this is the first frame.

    Args:
        data: a whole file in one of `FORMATS`.

    Returns:
        The picture in mode ``RGB``, its size that of the upright picture.

    Raises:
        DecodeError: if the bytes are empty, in another format, damaged, cut off, or of a picture
            of more than `MAX_PIXELS` pixels or `MAX_SCANS` scans.
    """
    return _decode(_open(data))


def _open(data: bytes) -> Image.Image:
    """Read the header, and refuse by it what would take too much to decode.

    Raises:
        DecodeError: for all but damage to the pixels.
    """
    if not data:
        raise DecodeError("it is empty (0 bytes)", "empty")
    image = _header(data)
    if image.width * image.height > MAX_PIXELS:
        raise DecodeError(
            f"it declares {image.width}x{image.height} pixels, more than the {MAX_PIXELS} that "
            "are accepted",
            "too_large",
        )
    if image.format in ("JPEG", "MPO") and has_too_many_scans(data):
        raise DecodeError(
            f"it is a JPEG of more scans than the {MAX_SCANS} that are accepted: save it anew",
            "too_many_scans",
        )
    return image


@without_warnings()
def _header(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except MemoryError:
        raise
    except Image.DecompressionBombError as error:
        raise DecodeError(f"it declares too many pixels ({error})", "too_large") from error
    except Exception as error:  # Pillow raises whatever damaged bytes lead it into
        raise DecodeError(
            f"its {len(data)} bytes, which begin with {data[:8]!r}, are no picture that can be "
            "read, or are damaged near the start",
            "not_a_picture",
        ) from error


def _decode(image: Image.Image) -> Image.Image:
    try:
        return upright(image)
    except MemoryError:
        raise
    except Exception as error:  # as above
        raise DecodeError(
            f"it begins as a {image.format} of {image.width}x{image.height} pixels, but cannot be "
            f"decoded ({error}): it is damaged or cut off",
            "damaged",
        ) from error
