"""What predictions are asked for: pictures, videos, cameras and streams, by how they are named."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from client.errors import ClientError
from client.pictures.files import find_pictures

VIDEO_SUFFIXES = (
    *(".3gp", ".avi", ".flv", ".h264", ".h265", ".hevc", ".m2ts", ".m4v", ".mjpeg", ".mjpg"),
    *(".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv"),
)
"""Of the files that are videos, in small letters."""
SCHEMES = ("http", "https", "rtsp", "rtsps")
"""Of the URLs that are streams."""

_CAMERA = re.compile(r"camera:(\d+)|/dev/video(\d+)")
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_NOT_FOR_NAMES = re.compile(r"[^\w-]+")
_LONGEST_NAME = 100


@dataclass(frozen=True)
class Video:
    """A video file, a camera or a stream. Its text is what messages call it, without a password."""

    address: str
    """A path or a URL."""
    name: str
    is_file: bool = False
    format: str | None = None
    """FFmpeg's, where the address does not tell it."""

    def __str__(self) -> str:
        return self.name

    def __fspath__(self) -> str:
        return self.address


@dataclass(frozen=True)
class Sources:
    """Each with the path that its drawing has in the folder of the output, but for the suffix."""

    pictures: dict[Path, Path]
    videos: dict[Video, Path]


def find_sources(
    given: Sequence[str | Path], *, recursive: bool = False, leave_out: Path | None = None
) -> Sources:
    """The pictures and videos that are meant.

    Args:
        given: files; folders; patterns of files (`clips/*.mp4`, and `clips/**/*.mp4` for those in
            folders in folders too), where nothing has that very name; `camera:0` or `/dev/video0`;
            URLs of `SCHEMES`. A file is a video if it has one of `VIDEO_SUFFIXES`.
        recursive, leave_out: for the folders, see `artifact.picture_files.find_pictures`.

    Raises:
        ClientError: a path that does not exist, a pattern that no file matches, a folder without
            pictures and videos, a camera or a stream that is not alone.
    """
    paths: list[Path] = []
    live: dict[Video, Path] = {}
    for each in given:
        if isinstance(each, str) and (camera := _CAMERA.fullmatch(each)):
            number = camera[1] or camera[2]
            live[Video(f"/dev/video{number}", each, format="v4l2")] = Path(f"camera-{number}")
        elif isinstance(each, str) and _URL.match(each):
            live.update([_stream(each)])
        else:
            paths += _files_of(each) if isinstance(each, str) else [each]
    if live and len(given) > 1:
        raise ClientError(
            f"{next(iter(live))} is a camera or a stream, which may have no end: give it a run of "
            "its own, with nothing beside it"
        )
    if live:
        return Sources({}, live)
    files = find_pictures(
        paths, recursive=recursive, leave_out=leave_out, further_suffixes=VIDEO_SUFFIXES
    )
    pictures: dict[Path, Path] = {}
    videos: dict[Video, Path] = {}
    for path, wanted in files.items():
        if path.name.lower().endswith(VIDEO_SUFFIXES):
            videos[Video(str(path), str(path), is_file=True)] = wanted
        else:
            pictures[path] = wanted
    return Sources(pictures, videos)


def _files_of(text: str) -> list[Path]:
    if os.path.lexists(text) or not glob.has_magic(text):
        return [Path(text)]
    found = sorted(path for path in glob.glob(text, recursive=True) if not os.path.isdir(path))
    if not found:
        raise ClientError(f"no file matches {text}")
    return [Path(path) for path in found]


def _stream(url: str) -> tuple[Video, Path]:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as error:
        raise ClientError(f"{url} is no URL: {error}") from error
    if parts.scheme.lower() not in SCHEMES:
        raise ClientError(
            f"{parts.scheme}:// is not read: streams are of {', '.join(SCHEMES)}, and all else is "
            "given as a path"
        )
    if not host:
        raise ClientError(f"{url} names no host")
    # Passwords may be in either.
    shown = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="")
    name = _NOT_FOR_NAMES.sub("-", host + parts.path).strip("-")[:_LONGEST_NAME]
    return Video(url, shown.geturl()), Path(name)
