"""Picture files: their bytes as they are sent, and their size and pixels the right way up."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from client.errors import ClientError, PictureError

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})

EXIF_ORIENTATIONS_ON_THEIR_SIDE = frozenset({5, 6, 7, 8})


def read_picture(path: Path) -> bytes:
    """The file's bytes.

    Raises:
        PictureError: it cannot be read, or is empty.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PictureError(f"cannot read it: {error.strerror}") from error
    if not content:
        raise PictureError("the file is empty")
    return content


def oriented_size(content: bytes) -> tuple[int, int]:
    """(height, width) in pixels with the EXIF orientation applied; only the header is read.

    Raises:
        PictureError: not a picture that Pillow knows.
    """
    with _opened(content) as picture:
        width, height = picture.size
        orientation = picture.getexif().get(ExifTags.Base.Orientation)
    if orientation in EXIF_ORIENTATIONS_ON_THEIR_SIDE:
        return width, height
    return height, width


def decode(content: bytes) -> Image.Image:
    """The picture in RGB with the EXIF orientation applied.

    Raises:
        PictureError: not a picture that Pillow knows, or a damaged one.
    """
    with _opened(content) as picture:
        try:
            return ImageOps.exif_transpose(picture).convert("RGB")
        except (OSError, ValueError, SyntaxError) as error:
            raise PictureError(f"cannot decode it: {error}") from error


def find_pictures(paths: list[Path]) -> list[Path]:
    """The files among `paths`, and the pictures in the folders among them, by name.

    Raises:
        ClientError: a path that does not exist, a folder without pictures.
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise ClientError(f"no such file or folder: {', '.join(missing)}")
    pictures: dict[Path, None] = {}
    for path in paths:
        if not path.is_dir():
            pictures[path] = None
            continue
        inside = sorted(
            file
            for file in path.iterdir()
            if file.suffix.lower() in PICTURE_SUFFIXES and file.is_file()
        )
        if not inside:
            raise ClientError(
                f"no pictures in {path}: looked for {', '.join(sorted(PICTURE_SUFFIXES))}"
            )
        pictures.update(dict.fromkeys(inside))
    return list(pictures)


def _opened(content: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(content))
    except UnidentifiedImageError as error:
        raise PictureError("not a picture that Pillow can read") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PictureError(f"cannot open it: {error}") from error
