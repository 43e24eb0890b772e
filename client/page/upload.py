"""What the page takes, and what of it browsers are shown."""

from __future__ import annotations

import io

from client.errors import PictureError
from client.pictures.files import decode, oriented_size

MOST_BYTES = 32 * 2**20
MOST_PIXELS = 50_000_000


def check(content: bytes) -> tuple[int, int]:
    """(height, width) of a picture that the page takes, upright.

    Raises:
        PictureError: empty, not a picture of a format that is served, or of too many pixels.
    """
    if not content:
        raise PictureError("the file is empty")
    height, width = oriented_size(content)
    if height * width > MOST_PIXELS:
        raise PictureError(
            f"it has {width} × {height} pixels, the page takes {MOST_PIXELS // 10**6} million"
        )
    return height, width


def as_jpeg(content: bytes, longest: int | None = None) -> bytes:
    """The picture as browsers show it.

    Args:
        content: of any format that is served.
        longest: pixels that neither side may exceed; None for the picture's own size.

    Raises:
        PictureError: the page does not take it, or it cannot be decoded.
    """
    check(content)
    picture = decode(content)
    if longest is not None:
        picture.thumbnail((longest, longest))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90)
    return file.getvalue()
