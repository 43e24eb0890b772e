"""Picture files: their bytes as they are sent, and their size and pixels the right way up."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from artifact.picture_formats import FORMATS
from client.errors import ClientError, PictureError
from client.pictures.orientation import upright, upright_size, without_warnings

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})


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
        PictureError: not a picture of a format that is served.
    """
    with _opened(content) as picture:
        return upright_size(picture)


def decode(content: bytes) -> Image.Image:
    """The picture in RGB with the EXIF orientation applied, as the server decodes it.

    Raises:
        PictureError: not a picture of a format that is served, or a damaged one.
    """
    with _opened(content) as picture:
        try:
            return upright(picture)
        except MemoryError:
            raise
        except Exception as error:  # Pillow raises whatever damaged bytes lead it into
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


@without_warnings()
def _opened(content: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise PictureError(
            f"not a picture in {', '.join(FORMATS)}, or damaged near its start"
        ) from error
    except MemoryError:
        raise
    except Exception as error:  # as above
        raise PictureError(f"cannot open it: {error}") from error
