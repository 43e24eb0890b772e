"""Detections of a served model in any pictures and videos: drawn into them, and as JSON."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from client.connection.concurrency import for_each
from client.connection.settings import Connection
from client.detector import AsyncDetector
from client.errors import ClientError, PictureError, RequestFailed
from client.json_file import write_json
from client.pictures.drawn_paths import drawn_paths
from client.pictures.encoded import EncodedPicture
from client.video.sources import find_sources

if TYPE_CHECKING:
    from client.predict_video import VideoPrediction

DETECTIONS = "detections.json"


@dataclass(frozen=True)
class Predictions:
    """What was predicted."""

    output: Path
    """The folder with what was drawn, and detections.json."""
    entries: list[dict[str, Any]]
    """Those of detections.json, in the order of the pictures."""
    videos: list[VideoPrediction]
    """In the order of the videos."""
    failures: dict[Path, str]
    """Why a picture has no entry."""


def predict(
    paths: Sequence[str | Path],
    connection: Connection,
    *,
    output: str | Path = "predictions",
    score_threshold: float = 0.5,
    recursive: bool = False,
    every: int = 1,
    progress: bool = True,
) -> Predictions:
    """Send pictures and videos to the served model and draw what it finds.

    A picture or video that cannot be read or is refused does not stop the others.

    Args:
        paths: pictures, videos, folders of both, patterns, a camera or a stream: see
            `client.video.sources.find_sources`. What is passed over in a folder is told in the log.
        connection: the served model, and the servers that share the pictures.
        output: folder for one `<name>.png` for each picture, in subfolders as the picture was, and
            for detections.json: a list of {file, drawn, width, height, detections: [{category_id,
            category, score, box [x1, y1, x2, y2], mask {size [h, w], counts}, keypoints [{name, x,
            y, score}]}]}, in pixels with the EXIF orientation applied. For videos see
            `client.predict_video.predict_video`.
        score_threshold: leave out detections with lower scores.
        recursive: go into the subfolders of `paths` too, but for `output`.
        every: send each N-th frame of a video.
        progress: show on stderr how far a video is.

    Raises:
        ClientError: a path that does not exist, no usable server, or `output` cannot be written; a
            video, where PyAV is not installed.
    """
    folder = Path(output)
    sources = find_sources(paths, recursive=recursive, leave_out=folder)
    pictures = sources.pictures
    drawn = drawn_paths(pictures, folder)
    drawn_videos = drawn_paths(sources.videos, folder, suffix=".mp4")
    if sources.videos:
        _check_pyav()
    run = secrets.token_hex(4)
    entries: dict[Path, dict[str, Any]] = {}
    videos: list[VideoPrediction] = []
    failures: dict[Path, str] = {}

    async def ask_for_all() -> None:
        async with AsyncDetector(**vars(connection)) as detector:

            async def ask(path: Path) -> None:
                try:
                    # A name that is not UTF-8 cannot travel as it is.
                    name = path.name.encode("utf-8", "replace").decode()
                    request_id = f"{run}-{name}"
                    entries[path] = await _predict(
                        detector, path, folder, drawn[path], score_threshold, request_id
                    )
                except (PictureError, RequestFailed) as error:
                    failures[path] = str(error)

            await for_each(pictures, ask, concurrency=connection.concurrency)
            for video, path in drawn_videos.items():
                from client.predict_video import predict_video

                videos.append(
                    await predict_video(
                        detector,
                        video,
                        folder / path,
                        every=every,
                        score_threshold=score_threshold,
                        run=run,
                        progress=progress,
                    )
                )

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ClientError(f"cannot write to {folder}: {error.strerror}") from error
    asyncio.run(ask_for_all())
    in_order = [entries[path] for path in pictures if path in entries]
    if pictures:
        write_json(folder / DETECTIONS, in_order)
    told_in_order = {path: failures[path] for path in pictures if path in failures}
    return Predictions(folder, in_order, videos, told_in_order)


def _check_pyav() -> None:
    try:
        import av  # noqa: F401
    except ImportError as error:
        raise ClientError("PyAV, which reads videos, is not installed: pip install av") from error


async def _predict(
    detector: AsyncDetector,
    path: Path,
    folder: Path,
    drawn: Path,
    score_threshold: float,
    request_id: str,
) -> dict[str, Any]:
    picture = EncodedPicture.read(path)  # what is no picture is not sent
    found = await detector.detect(picture, score_threshold, request_id=request_id)
    _save(found.draw(), folder / drawn)
    return {"file": str(path), "drawn": str(drawn), **found.to_json()}


def _save(picture: Image.Image, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)
    except OSError as error:
        raise ClientError(f"cannot write {path}: {error.strerror or error}") from error
