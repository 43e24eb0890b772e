"""Picture files: where they are, their bytes as they are sent, their upright size and pixels."""

from __future__ import annotations

import io
import logging
import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from artifact import picture_files
from artifact.picture_formats import FORMATS, SUFFIXES
from client.errors import ClientError, PictureError
from client.pictures.orientation import upright, upright_size, without_warnings

logger = logging.getLogger(__name__)


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


def find_pictures(
    paths: Sequence[Path],
    *,
    recursive: bool = False,
    leave_out: Path | None = None,
    further_suffixes: tuple[str, ...] = (),
) -> dict[Path, Path]:
    """The files among `paths`, and the pictures in the folders among them, by name.

    What is passed over in a folder is told in the log.

    Args:
        paths: a file is taken whatever it is called.
        recursive, leave_out, further_suffixes: for the folders, see
            `artifact.picture_files.find_pictures`.

    Returns:
        Each file once, with its path inside the folder that it was found in (of a file among
        `paths`, its name).

    Raises:
        ClientError: a path that does not exist, a folder that cannot be read or has no pictures.
    """
    written = {path: _as_it_is_written(path) for path in paths}
    missing = [str(path) for path, found in written.items() if found is None]
    if missing:
        raise ClientError(f"no such file or folder: {', '.join(missing)}")
    pictures: dict[Path, Path] = {}
    for path in written.values():
        assert path is not None
        if path.is_dir():
            for picture in _pictures_in(path, recursive, leave_out, further_suffixes):
                pictures.setdefault(picture, picture.relative_to(path))
        else:
            pictures.setdefault(path, Path(path.name))
    return pictures


def _pictures_in(
    folder: Path, recursive: bool, leave_out: Path | None, further_suffixes: tuple[str, ...]
) -> list[Path]:
    try:
        found = picture_files.find_pictures(
            folder, recursive=recursive, leave_out=leave_out, further_suffixes=further_suffixes
        )
    except OSError as error:
        raise ClientError(f"cannot read {error.filename}: {error.strerror}") from error
    if not found.pictures:
        there = f"; there are {found.passed_over}" if found.passed_over else ""
        suffixes = [suffix for each in SUFFIXES.values() for suffix in each]
        looked_for = ", ".join([*suffixes, *further_suffixes])
        raise ClientError(f"no pictures in {folder}: looked for {looked_for}{there}")
    if found.passed_over:
        logger.warning("passed over in %s: %s", folder, found.passed_over)
    return found.pictures


def _as_it_is_written(path: Path) -> Path | None:
    """The path, or that of the same letters in other bytes; None if there is neither.

    ``é`` is one character as keyboards write it (Unicode's NFC), and two in files from macOS (NFD).
    """
    try:
        path.stat()
        return path
    except FileNotFoundError:
        pass
    except OSError as error:
        raise ClientError(f"cannot read {path}: {error.strerror}") from error
    if path.parent == path or (parent := _as_it_is_written(path.parent)) is None:
        return None
    try:
        names = os.listdir(parent)
    except OSError:
        return None
    looked_for = unicodedata.normalize("NFC", path.name)
    same = sorted(name for name in names if unicodedata.normalize("NFC", name) == looked_for)
    if not same or path.name in same:  # a link to nowhere
        return None
    return parent / same[0]


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
