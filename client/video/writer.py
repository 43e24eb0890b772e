"""An annotated video: H.264 in an MP4 file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
import numpy.typing as npt
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image

from client.errors import ClientError

TICKS = 90_000
"""Of the file's clock in a second: frame rates and time stamps of cameras divide it."""
KEY_FRAME_EVERY_S = 2
_ENCODER = {
    "preset": "superfast",
    "crf": "20",
    "bf": "0",  # no frame waits for a later one, so that the first is at 0 s
}
# Readable up to the last whole fragment whatever happens, and an ordinary file once it is closed.
_FILE = {"movflags": "hybrid_fragmented"}
_BT709 = 1


class VideoWriter:
    """An MP4 file of the size of its first frame; without a frame there is no file.

    Args:
        path: the file; its folder is made.
        rate: frames per second, on average.
        pixel_aspect_ratio: width by height of a pixel.
    """

    def __init__(self, path: Path, rate: Fraction, pixel_aspect_ratio: Fraction) -> None:
        self.path = path
        self._rate = rate
        self._pixel_aspect_ratio = pixel_aspect_ratio
        self._file: _OpenFile | None = None

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            try:
                self._file.close()
            except (FFmpegError, OSError) as fault:
                raise self._cannot_write(fault) from fault

    def write(self, picture: Image.Image, time_s: float) -> None:
        """Append a frame.

        Args:
            picture: in RGB. One of another size than the first is scaled to that.
            time_s: when it is shown, in seconds; later than the frame before.

        Raises:
            ClientError: the file cannot be written.
        """
        try:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = _OpenFile(
                    self.path, picture.size, self._rate, self._pixel_aspect_ratio
                )
            self._file.write(picture, time_s)
        except (FFmpegError, OSError) as error:
            raise self._cannot_write(error) from error

    def _cannot_write(self, error: FFmpegError | OSError) -> ClientError:
        return ClientError(f"cannot write {self.path}: {error.strerror or error}")


class _OpenFile:
    def __init__(
        self, path: Path, size: tuple[int, int], rate: Fraction, pixel_aspect_ratio: Fraction
    ) -> None:
        self._size = size
        self._last = -1
        self._file = av.open(f"file:{path}", "w", format="mp4", options=_FILE)
        self._stream = self._file.add_stream("libx264", rate=rate, options=_ENCODER)
        self._step = max(round(TICKS / rate), 1)
        encoder = self._stream.codec_context
        encoder.width, encoder.height = (length + length % 2 for length in size)
        encoder.pix_fmt = "yuv420p"
        encoder.time_base = self._stream.time_base = Fraction(1, TICKS)
        encoder.gop_size = max(round(rate * KEY_FRAME_EVERY_S), 1)
        encoder.sample_aspect_ratio = pixel_aspect_ratio
        encoder.colorspace = encoder.color_primaries = encoder.color_trc = _BT709
        encoder.color_range = ColorRange.MPEG

    def write(self, picture: Image.Image, time_s: float) -> None:
        if picture.size != self._size:
            picture = picture.resize(self._size)
        frame = VideoFrame.from_ndarray(_even(np.asarray(picture)), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)
        frame.pts = self._last = max(round(time_s * TICKS), self._last + 1)
        frame.time_base = Fraction(1, TICKS)
        frame.duration = self._step
        self._file.mux(self._stream.encode(frame))

    def close(self) -> None:
        try:
            self._file.mux(self._stream.encode(None))
        finally:
            self._file.close()


def _even(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """With the last row and column once more where their number is odd: H.264 has colours for two
    by two pixels."""
    height, width = pixels.shape[:2]
    if not (height % 2 or width % 2):
        return pixels
    return np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
