"""Videos as cameras write them, and as they are read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]

RATE = 25
FORMATS = {
    "libx264": "yuv420p",
    "mpeg4": "yuv420p",
    "mjpeg": "yuvj420p",
    "ffv1": "bgr0",  # without loss
}


def write_video(
    path: Path,
    frames: Sequence[Pixels],
    codec: str = "libx264",
    *,
    times_s: Iterable[float] | None = None,
    degrees: int = 0,
) -> Path:
    """A video of frames [h, w, 3] in RGB, as a camera would write it; cut to an even size, if the
    codec needs it.

    Args:
        path: its suffix says which container.
        frames: of one size.
        codec: one of `FORMATS`.
        times_s: when each is shown; None for `RATE` frames a second.
        degrees: how far it says that it is to be turned, counterclockwise.
    """
    even = codec in ("libx264", "mpeg4")
    height, width = (length - length % 2 if even else length for length in frames[0].shape[:2])
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=RATE)
        stream.width, stream.height, stream.pix_fmt = width, height, FORMATS[codec]
        if degrees:
            stream.set_display_rotation(degrees)
        if times_s is not None:
            stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        times = [number / RATE for number in range(len(frames))] if times_s is None else times_s
        for pixels, time_s in zip(frames, times, strict=True):
            frame = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(pixels[:height, :width]), format="rgb24"
            )
            frame.time_base = Fraction(1, RATE) if times_s is None else Fraction(1, 1000)
            frame.pts = round(time_s / frame.time_base)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def read_video(path: Path) -> list[tuple[float, Pixels]]:
    """When each frame is shown, in seconds, and its pixels [h, w, 3] in RGB."""
    with av.open(str(path)) as file:
        return [
            (float(frame.time or 0), frame.to_ndarray(format="rgb24"))
            for frame in file.decode(video=0)
        ]
