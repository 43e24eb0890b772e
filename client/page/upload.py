"""What the page takes, and what of it browsers are shown."""

from __future__ import annotations

import io

from client.errors import PictureError
from client.pictures.encoded import EncodedPicture

MOST_BYTES = 32 * 2**20
MOST_PIXELS = 50_000_000


def take(content: bytes) -> EncodedPicture:
    """A picture that the page takes.

    Raises:
        PictureError: empty, not a picture of a format that is served, or of too many pixels.
    """
    if not content:
        raise PictureError("the file is empty")
    picture = EncodedPicture.of(content)
    if picture.width * picture.height > MOST_PIXELS:
        raise PictureError(
            f"it has {picture.width} × {picture.height} pixels, the page takes "
            f"{MOST_PIXELS // 10**6} million"
        )
    return picture


def as_jpeg(picture: EncodedPicture, longest: int | None = None) -> bytes:
    """The picture as browsers show it.

    Args:
        picture: of any format that is served.
        longest: pixels that neither side may exceed; None for the picture's own size.

    Raises:
        PictureError: it cannot be decoded.
    """
    image = picture.decode()
    if longest is not None:
        image.thumbnail((longest, longest))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()
