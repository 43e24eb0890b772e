"""Detections of a served model in any pictures: drawn into them, and as JSON."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from client.connection.concurrency import for_each
from client.connection.settings import Connection
from client.detector import AsyncDetector
from client.errors import ClientError, PictureError, RequestFailed
from client.json_file import write_json
from client.pictures.drawn_paths import drawn_paths
from client.pictures.encoded import EncodedPicture
from client.pictures.files import find_pictures

DETECTIONS = "detections.json"


@dataclass(frozen=True)
class Predictions:
    """What was predicted."""

    output: Path
    """The folder with the drawn pictures and detections.json."""
    entries: list[dict[str, Any]]
    """Those of detections.json, in the order of the pictures."""
    failures: dict[Path, str]
    """Why a picture has no entry."""


def predict(
    paths: Sequence[str | Path],
    connection: Connection,
    *,
    output: str | Path = "predictions",
    score_threshold: float = 0.5,
    recursive: bool = False,
) -> Predictions:
    """Send pictures to the served model and draw what it finds.

    A picture that cannot be read or is refused does not stop the others.

    Args:
        paths: pictures, and folders of pictures. What is passed over in a folder is told in the
            log.
        connection: the served model, and the servers that share the pictures.
        output: folder for one `<name>.png` for each picture, in subfolders as the picture was, and
            for detections.json: a list of {file, drawn, width, height, detections: [{category_id,
            category, score, box [x1, y1, x2, y2], mask {size [h, w], counts}, keypoints [{name, x,
            y, score}]}]}, in pixels with the EXIF orientation applied.
        score_threshold: leave out detections with lower scores.
        recursive: go into the subfolders of `paths` too, but for `output`.

    Raises:
        ClientError: a path that does not exist, no usable server, or `output` cannot be written.
    """
    folder = Path(output)
    pictures = find_pictures([Path(path) for path in paths], recursive=recursive, leave_out=folder)
    drawn = drawn_paths(pictures, folder)
    run = secrets.token_hex(4)
    entries: dict[Path, dict[str, Any]] = {}
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

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ClientError(f"cannot write to {folder}: {error.strerror}") from error
    asyncio.run(ask_for_all())
    in_order = [entries[path] for path in pictures if path in entries]
    write_json(folder / DETECTIONS, in_order)
    told_in_order = {path: failures[path] for path in pictures if path in failures}
    return Predictions(folder, in_order, told_in_order)


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
