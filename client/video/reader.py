"""The frames of a video file, a camera or a stream, as FFmpeg decodes them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.error import ExitError, FFmpegError
from av.video.frame import VideoFrame

from client.errors import VideoError
from client.video.sources import Video

SILENCE_S = 10.0
"""A camera or a stream that says nothing for so long has stalled."""
USUAL_RATE = Fraction(25)
"""Frames per second, for a video that does not tell its own."""
HIGHEST_RATE = 1000
"""More is no rate, but the clock of a video whose frames have no steady one."""
MAX_PIXELS = 89_478_485
"""Of a frame: the server takes none that is larger."""

_STREAMS = {"rtsp_transport": "tcp"}
"""UDP loses packets, and many networks let none through."""


@dataclass(frozen=True)
class Frame:
    """One picture of a video."""

    index: int
    """Of all frames that were decoded, from 0."""
    time_s: float
    """Seconds since the first frame."""
    pixels: npt.NDArray[np.uint8]
    """uint8 [h, w, 3] in RGB, turned upright as the video's metadata say."""
    damage: str | None
    """What FFmpeg met in it; None for a frame that is whole."""


class VideoReader:
    """A video that is read once, from its beginning to its end.

    Raises:
        VideoError: on entering: it cannot be opened, or has no pictures.
    """

    def __init__(self, video: Video) -> None:
        self.damages = 0
        """How many packets were damaged so far, with and without a frame of theirs."""
        self.first_damage = ""
        """Where the first of them is, and what FFmpeg says of it."""
        self.ended_early: str | None = None
        """Why there was no more to be read before the end, if that is so."""
        self._video = video
        self._stack = ExitStack()
        self._logs: list[tuple[int, str, str]] = []

    def __enter__(self) -> VideoReader:
        # What FFmpeg mends silently, it tells in its log alone.
        self._stack.callback(av.logging.set_level, av.logging.get_level())
        self._stack.callback(av.logging.set_skip_repeated, av.logging.get_skip_repeated())
        av.logging.set_level(av.logging.ERROR)
        av.logging.set_skip_repeated(False)  # it would tell of a repetition when the next one comes
        capture: Any = av.logging.Capture(local=False)  # other than its types say, it is one
        self._logs = self._stack.enter_context(capture)
        try:
            self._open()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def is_live(self) -> bool:
        """Whether frames that are not taken in time are lost: of a camera, or a stream that has no
        length."""
        return not self._video.is_file and self._container.duration is None

    @property
    def rate(self) -> Fraction:
        """Frames per second, on average."""
        rate = self._stream.average_rate or self._stream.guessed_rate
        return rate if rate and 0 < rate <= HIGHEST_RATE else USUAL_RATE

    @property
    def frames(self) -> int | None:
        """How many there are, as far as the video tells; None if it does not."""
        if self._stream.frames:
            return self._stream.frames
        if self._container.duration is None:
            return None
        return round(self._container.duration / av.time_base * self.rate)

    @property
    def pixel_aspect_ratio(self) -> Fraction:
        """Width by height of a pixel, before the frame is turned."""
        return self._stream.sample_aspect_ratio or Fraction(1)

    def __iter__(self) -> Iterator[Frame]:
        clock = _Clock(self.rate)
        damaged: dict[int | None, str] = {}
        index = 0
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except FFmpegError as error:
                self.ended_early = self._in_words(error)
                break
            frames: list[VideoFrame] = []
            try:
                frames = packet.decode()
                damage = self._logged()
            except FFmpegError as error:
                damage = self._logged() or str(error.strerror)
            if damage:
                damaged[packet.pts] = damage
                self._count(damage, clock.of(packet.pts, packet.time_base))
            for frame in frames:
                found = damaged.pop(frame.pts, None)
                if frame.is_corrupt:
                    found = found or "a part of it is missing"
                time_s = clock.next(frame.pts, frame.time_base)
                yield Frame(index, time_s, _upright(frame), found)
                index += 1
        if log := self._logged():
            self._count(log, clock.last)

    def _open(self) -> None:
        video = self._video
        if video.is_file:
            if not os.path.isfile(video.address):
                raise VideoError("it is no file")
            # FFmpeg takes what stands before a colon for a protocol.
            address, options = f"file:{video.address}", {}
        else:
            address, options = video.address, _STREAMS
        try:
            self._container = self._stack.enter_context(
                av.open(address, format=video.format, options=options, timeout=SILENCE_S)
            )
        except (FFmpegError, ValueError) as error:
            raise VideoError(self._in_words(error)) from error
        if not self._container.streams.video:
            raise VideoError("there are no moving pictures in it")
        self._stream = self._container.streams.video[0]
        if self._stream.codec_context is None:
            raise VideoError("this FFmpeg has no decoder for its pictures")
        self._stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}

    def _count(self, damage: str, time_s: float) -> None:
        self.damages += 1
        if not self.first_damage:
            self.first_damage = f"{damage}, near {time_s:.2f} s"

    def _logged(self) -> str:
        """The first of what FFmpeg said since the last time; "" for nothing."""
        said = [f"{name}: {message.strip()}" for _, name, message in self._logs]
        self._logs.clear()
        return said[0] if said else ""

    def _in_words(self, error: FFmpegError | ValueError) -> str:
        if isinstance(error, ExitError):
            return f"nothing came for {SILENCE_S:g} s"
        said = error.strerror if isinstance(error, FFmpegError) else str(error)
        logged = self._logged()
        # Of a stream it may tell the URL, with its password.
        return f"{said} ({logged})" if logged and self._video.is_file else str(said)


class _Clock:
    """Seconds since the first frame, for time stamps that may be missing, or jump back."""

    def __init__(self, rate: Fraction) -> None:
        self.last = 0.0
        self._step = float(1 / rate)
        self._first: float | None = None

    def of(self, pts: int | None, time_base: Fraction | None) -> float:
        """Of a packet; of one without a time stamp, when the last frame was."""
        if pts is None or time_base is None or self._first is None:
            return self.last
        return float(pts * time_base) - self._first

    def next(self, pts: int | None, time_base: Fraction | None) -> float:
        """Of the next frame, later than that of the one before."""
        if pts is None or time_base is None:
            stamp = None if self._first is None else self._first + self.last + self._step
        else:
            stamp = float(pts * time_base)
        if self._first is None:
            self._first = stamp or 0.0
            return self.last
        assert stamp is not None
        if stamp - self._first <= self.last:  # the stream was joined, or began anew
            self._first = stamp - self.last - self._step
        self.last = stamp - self._first
        return self.last


def _upright(frame: VideoFrame) -> npt.NDArray[np.uint8]:
    pixels: npt.NDArray[Any] = frame.to_ndarray(format="rgb24")
    quarters = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(pixels, quarters)) if quarters else pixels
