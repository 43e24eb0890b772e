"""Annotated videos that every player plays."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from client.errors import ClientError
from client.video.writer import VideoWriter
from tests.client.videos import Pixels, read_video

ROOT = Path(__file__).parents[3]


def write(path: Path, frames: list[Pixels], times_s: list[float]) -> None:
    with VideoWriter(path, Fraction(25), Fraction(1)) as writer:
        for pixels, time_s in zip(frames, times_s, strict=True):
            writer.write(Image.fromarray(pixels), time_s)


def test_frames_keep_their_times_and_colours(pictures: dict[int, Pixels], tmp_path: Path) -> None:
    times = [0, 0.04, 0.08, 0.5, 0.5, 2]
    frames = [*pictures.values()][: len(times)]
    path = tmp_path / "folder" / "x.mp4"

    write(path, frames, times)

    shown = read_video(path)
    assert [time_s for time_s, _ in shown] == pytest.approx(times, abs=0.001)
    for (_, pixels), given in zip(shown, frames, strict=True):
        assert pixels.shape == (252, 334, 3)  # H.264 has even sizes
        error = pixels[:251, :333].astype(int) - given
        assert np.abs(error).mean() < 6
        assert np.abs(error.mean((0, 1))).max() < 3
        np.testing.assert_allclose(pixels[251, :333], pixels[250, :333], atol=60)
    with av.open(str(path)) as file:
        [stream] = file.streams
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert file.duration / av.time_base == pytest.approx(2.04, abs=0.01)


def test_a_frame_of_another_size_is_scaled_to_that_of_the_first(
    pictures: dict[int, Pixels], tmp_path: Path
) -> None:
    [first, second, *_] = pictures.values()

    write(tmp_path / "x.mp4", [first, second[::2, ::2]], [0, 0.04])

    [_, (_, scaled)] = read_video(tmp_path / "x.mp4")
    assert np.abs(scaled[:251, :333].astype(int) - second).mean() < 15


def test_it_can_be_played_though_its_writer_was_killed(
    pictures: dict[int, Pixels], tmp_path: Path
) -> None:
    np.save(tmp_path / "pictures.npy", np.stack([*pictures.values()]))
    killed = """
import os, sys
from fractions import Fraction
from pathlib import Path
import numpy as np
from PIL import Image
from client.video.writer import VideoWriter
with VideoWriter(Path("x.mp4"), Fraction(2), Fraction(1)) as writer:
    for number, pixels in enumerate(np.load("pictures.npy")):
        writer.write(Image.fromarray(pixels), number / 2)
    os._exit(9)
"""
    command = [sys.executable, "-c", killed]

    done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, check=False)

    assert done.returncode == 9
    with av.open(str(tmp_path / "x.mp4")) as file:
        frames = 0
        for packet in file.demux(video=0):
            try:
                frames += len(packet.decode())
            except av.error.FFmpegError:
                break
    assert 0 < frames <= len(pictures)


def test_what_cannot_be_written_is_told(pictures: dict[int, Pixels], tmp_path: Path) -> None:
    (tmp_path / "x.mp4").mkdir()
    [frame, *_] = pictures.values()

    with pytest.raises(ClientError, match=r"cannot write .*x\.mp4: Is a directory"):
        write(tmp_path / "x.mp4", [frame], [0])


def test_without_a_frame_there_is_no_file(tmp_path: Path) -> None:
    write(tmp_path / "x.mp4", [], [])

    assert not [*tmp_path.iterdir()]
