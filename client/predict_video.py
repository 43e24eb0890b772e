"""Detections of a served model in a video: drawn into it, and as JSON lines."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from client.connection.concurrency import in_order
from client.detector import AsyncDetector
from client.errors import ClientError, RequestFailed, VideoError
from client.pictures.encoded import EncodedPicture
from client.video.newest import Newest
from client.video.reader import Frame, VideoReader
from client.video.sources import Video
from client.video.writer import VideoWriter

logger = logging.getLogger(__name__)


@dataclass
class VideoPrediction:
    """What was predicted in one video."""

    video: Video
    drawn: Path
    """The annotated video; there is none if there was no frame."""
    lines: Path
    """The JSON lines."""
    frames: int = 0
    """How many are in both."""
    detections: int = 0
    left_out: int = 0
    """Frames of a camera or a stream that came faster than they were answered."""
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    """What was wrong with the video, its end, or single frames, in words."""

    def __str__(self) -> str:
        rate = f", {self.frames / self.seconds:.3g} frames/s" if self.frames else ""
        left_out = f", {self.left_out} left out to keep up" if self.left_out else ""
        found = f"{_count(self.detections, 'detection')} in {_count(self.frames, 'frame')}"
        return (
            f"{found} of {self.video}{rate}{left_out}: drawn in {self.drawn}, as JSON lines in "
            f"{self.lines}"
        )


@dataclass(frozen=True)
class _Answer:
    """What is written of one frame."""

    frame: Frame
    picture: Image.Image
    line: dict[str, Any]


async def predict_video(
    detector: AsyncDetector,
    video: Video,
    drawn: Path,
    *,
    every: int,
    score_threshold: float,
    run: str,
    progress: bool,
) -> VideoPrediction:
    """Send the frames of a video to the served model, and write what it finds.

    The frames that are in memory at once are those that are under way, `Connection.concurrency` of
    them. They are sent as uncompressed PPM: without loss, and in less time than any encoder takes.

    Args:
        detector: the served model.
        video: what to read.
        drawn: the annotated video, `.mp4`: the frames that were sent, at their own times. Beside it
            the same name with `.jsonl`: an object a frame, in their order: {frame (its index, from
            0), time (seconds), width, height, detections (COCO's result format, image_id being the
            index)}, with `damaged` where the frame was decoded from damaged data; `error` in place
            of detections where there was no answer.
        every: send each N-th frame.
        score_threshold: leave out detections with lower scores.
        run: what the ids of the requests begin with.
        progress: show on stderr how far it is, and how many frames a second.

    Raises:
        ClientError: no server is left, or a file cannot be written. What came before is kept.
    """
    made = VideoPrediction(video, drawn, drawn.with_suffix(".jsonl"))
    refused: list[str] = []
    name = drawn.stem.encode("utf-8", "replace").decode()

    async def ask(sent: tuple[Frame, EncodedPicture]) -> _Answer:
        frame, picture = sent
        line: dict[str, Any] = {
            "frame": frame.index,
            "time": round(frame.time_s, 6),
            "width": picture.width,
            "height": picture.height,
        }
        if frame.damage:
            line["damaged"] = frame.damage
        try:
            request_id = f"{run}-{name}-{frame.index}"
            found = await detector.detect(picture, score_threshold, request_id=request_id)
            image = await asyncio.to_thread(found.draw)
        except RequestFailed as error:
            return _Answer(frame, picture.decode(), line | {"error": str(error)})
        return _Answer(frame, image, line | {"detections": found.to_coco(frame.index)})

    try:
        with ExitStack() as stack:
            reader = stack.enter_context(VideoReader(video))
            frames: Iterable[Frame] = islice(reader, 0, None, every)
            newest = stack.enter_context(Newest(frames)) if reader.is_live else None
            # Each waits for what it is doing before what is around it is closed.
            output = stack.enter_context(_Output(made, reader))
            writing = stack.enter_context(ThreadPoolExecutor(1))
            reading = stack.enter_context(ThreadPoolExecutor(1))
            bar = stack.enter_context(_bar(video, reader, every, progress))
            started = time.perf_counter()
            sent = _in_thread(_ready(newest or frames), reading)
            concurrency = detector.connection.concurrency
            async with aclosing(in_order(sent, ask, concurrency=concurrency)) as answers:
                async for answer in answers:
                    if error := answer.line.get("error"):
                        refused.append(f"at {answer.frame.time_s:.2f} s: {error}")
                    await asyncio.get_running_loop().run_in_executor(writing, output.write, answer)
                    bar.update()
            made.seconds = time.perf_counter() - started
            made.left_out = newest.left_out if newest else 0
            made.faults += _faults(made, reader, refused)
    except VideoError as error:
        made.faults.append(str(error))
    except BaseException:
        if made.frames:
            kept = f"kept in {made.drawn} and {made.lines}"
            logger.warning("%s: stopped after %s, %s", video, _count(made.frames, "frame"), kept)
        raise
    return made


class _Output:
    """The annotated video and the JSON lines, which hold the same frames at any time."""

    def __init__(self, made: VideoPrediction, reader: VideoReader) -> None:
        self._made = made
        self._stack = ExitStack()
        self._video = VideoWriter(made.drawn, reader.rate, reader.pixel_aspect_ratio)

    def __enter__(self) -> _Output:
        try:
            self._made.lines.parent.mkdir(parents=True, exist_ok=True)
            self._lines = self._stack.enter_context(self._made.lines.open("w", buffering=1))
        except OSError as error:
            raise self._cannot_write_lines(error) from error
        self._stack.enter_context(self._video)
        return self

    def __exit__(self, *raised: Any) -> None:
        self._stack.close()

    def write(self, answer: _Answer) -> None:
        self._video.write(answer.picture, answer.frame.time_s)
        try:
            self._lines.write(json.dumps(answer.line, allow_nan=False) + "\n")
        except OSError as error:
            raise self._cannot_write_lines(error) from error
        self._made.frames += 1
        self._made.detections += len(answer.line.get("detections", ()))

    def _cannot_write_lines(self, error: OSError) -> ClientError:
        return ClientError(f"cannot write {self._made.lines}: {error.strerror}")


def _ready(frames: Iterable[Frame]) -> Iterator[tuple[Frame, EncodedPicture]]:
    for frame in frames:
        yield frame, _ppm(frame.pixels)


def _ppm(pixels: npt.NDArray[np.uint8]) -> EncodedPicture:
    """https://netpbm.sourceforge.net/doc/ppm.html, of uint8 [h, w, 3] in RGB."""
    height, width = pixels.shape[:2]
    return EncodedPicture(b"P6 %d %d 255\n" % (width, height) + pixels.tobytes(), width, height)


async def _in_thread(
    frames: Iterator[tuple[Frame, EncodedPicture]], thread: ThreadPoolExecutor
) -> AsyncIterator[tuple[Frame, EncodedPicture]]:
    loop = asyncio.get_running_loop()
    while (frame := await loop.run_in_executor(thread, next, frames, None)) is not None:
        yield frame


def _bar(video: Video, reader: VideoReader, every: int, progress: bool) -> tqdm[Any]:
    return tqdm(
        total=None if reader.frames is None else math.ceil(reader.frames / every),
        desc=Path(video.name).name,
        unit="frame",
        disable=not progress,
        mininterval=0.1 if sys.stderr.isatty() else 10.0,
    )


def _faults(made: VideoPrediction, reader: VideoReader, refused: list[str]) -> list[str]:
    faults = []
    if reader.damages:
        faults.append(
            f"damaged in {_count(reader.damages, 'place')}, the first: {reader.first_damage}"
        )
    if reader.ended_early:
        faults.append(f"it ended after {_count(made.frames, 'frame')}: {reader.ended_early}")
    elif not made.frames:
        faults.append("there is no frame in it that can be decoded")
    if refused:
        faults.append(f"no answer for {_count(len(refused), 'frame')}, the first {refused[0]}")
    return faults


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
