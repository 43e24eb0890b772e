"""Pictures of any kind as they are sent: encoded, with the size that boxes and masks will have."""

from __future__ import annotations

import io
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from client.errors import PictureError
from client.pictures.files import decode, oriented_size, read_picture
from client.pictures.orientation import upright

ChannelOrder: TypeAlias = Literal["bgr", "rgb"]
Picture: TypeAlias = (
    "str | PathLike[str] | bytes | bytearray | memoryview | npt.NDArray[np.uint8] | Image.Image"
)
"""A path, an encoded picture, pixels uint8 [h, w, 3] or grey [h, w], or Pillow's."""

_PNG_LEVEL = 1
"""zlib's. At its usual 6 a PNG takes four times as long and is an eighth smaller."""


@dataclass(frozen=True)
class EncodedPicture:
    """A picture that can be sent."""

    content: bytes
    """Of a file in one of the formats that are served."""
    width: int
    """In pixels, with the EXIF orientation applied."""
    height: int
    path: Path | None = None
    """Of the file that it was read from."""

    @classmethod
    def of(cls, picture: Picture, channel_order: ChannelOrder | None = None) -> EncodedPicture:
        """What is sent of a picture.

        Files and encoded pictures are sent as they are. Pixels are sent without loss as PNG, whose
        making takes some 160 ms for 1920 x 1080 pixels on one CPU core: where a JPEG is at hand,
        give that.

        Args:
            picture: a path; the bytes of a file; an array uint8 [h, w, 3], or grey [h, w]; or a
                Pillow image, whose EXIF orientation is applied as that of a file is.
            channel_order: of an array [h, w, 3]: `bgr` as OpenCV has it, or `rgb`. Nothing else
                needs it.

        Raises:
            PictureError: it is none of these, cannot be read, or is not a picture.
        """
        if isinstance(picture, (str, PathLike)):
            path = Path(picture)
            try:
                return cls.read(path)
            except PictureError as error:
                raise PictureError(f"{path}: {error}") from error
        if isinstance(picture, (bytes, bytearray, memoryview)):
            if not picture:
                raise PictureError("the picture is given as bytes, and there are none")
            return cls._of_content(bytes(picture))
        if isinstance(picture, np.ndarray):
            return cls._of_pixels(_image(picture, channel_order))
        if isinstance(picture, Image.Image):
            return cls._of_pixels(_upright(picture))
        raise PictureError(
            "a picture is a path, the bytes of a file, a NumPy array or a Pillow image; this is of "
            f"type {type(picture).__name__} (a list gives a list of results, and stream() takes "
            "any iterable)"
        )

    @classmethod
    def read(cls, path: Path) -> EncodedPicture:
        """The picture in a file.

        Raises:
            PictureError: it cannot be read or is not a picture; the message does not name it.
        """
        return cls._of_content(read_picture(path), path)

    def decode(self) -> Image.Image:
        """The picture in RGB, upright, as the server decodes it.

        Raises:
            PictureError: it is damaged.
        """
        return decode(self.content)

    @classmethod
    def _of_content(cls, content: bytes, path: Path | None = None) -> EncodedPicture:
        height, width = oriented_size(content)
        return cls(content, width, height, path)

    @classmethod
    def _of_pixels(cls, image: Image.Image) -> EncodedPicture:
        # Encoded from the pixels alone: no orientation or colour profile travels with them.
        content = io.BytesIO()
        image.save(content, "PNG", compress_level=_PNG_LEVEL, exif=b"", icc_profile=None)
        return cls(content.getvalue(), image.width, image.height)


def _upright(image: Image.Image) -> Image.Image:
    if 0 in image.size:
        raise PictureError(f"a Pillow image of {image.width}x{image.height} has no pixels")
    try:
        return upright(image)
    except MemoryError:
        raise
    except Exception as error:  # Pillow raises whatever damaged bytes lead it into
        raise PictureError(f"cannot decode the Pillow image: {error}") from error


def _image(pixels: npt.NDArray[np.uint8], channel_order: ChannelOrder | None) -> Image.Image:
    shape = list(pixels.shape)
    if pixels.dtype != np.uint8:
        raise PictureError(
            f"an array has to be of uint8, 0 to 255; this is of {pixels.dtype}, with the shape "
            f"{shape}"
        )
    if not pixels.size or not (pixels.ndim == 2 or (pixels.ndim == 3 and shape[2] == 3)):
        raise PictureError(
            f"an array has to have the shape [height, width, 3], or [height, width] in grey; this "
            f"has {shape}"
        )
    if pixels.ndim == 2:
        return Image.fromarray(pixels)
    if channel_order not in ("bgr", "rgb"):
        raise PictureError(
            'say in which order the channels of an array are: channel_order="bgr" as OpenCV reads '
            f'pictures, or "rgb"; channel_order is {channel_order!r}'
        )
    rgb = pixels[..., ::-1] if channel_order == "bgr" else pixels
    return Image.fromarray(np.ascontiguousarray(rgb))
