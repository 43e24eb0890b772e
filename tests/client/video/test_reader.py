"""The frames of videos, whole and damaged."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from client.errors import VideoError
from client.video.reader import Frame, VideoReader
from client.video.sources import Video
from tests.client.videos import RATE, Pixels, write_video


def frames_of(path: Path) -> tuple[list[Frame], VideoReader]:
    with VideoReader(Video(str(path), path.name, is_file=True)) as reader:
        return list(reader), reader


def test_frames_come_as_they_are_in_the_file_with_their_own_times(
    pictures: dict[int, Pixels], tmp_path: Path
) -> None:
    times = [0, 0.04, 0.08, 0.5, 0.51, 2]
    sent = [*pictures.values()][: len(times)]

    frames, reader = frames_of(write_video(tmp_path / "x.mkv", sent, "ffv1", times_s=times))

    assert [frame.index for frame in frames] == [*range(len(times))]
    assert [frame.time_s for frame in frames] == pytest.approx(times, abs=0.0006)
    for frame, pixels in zip(frames, sent, strict=True):
        np.testing.assert_array_equal(frame.pixels, pixels)
    assert not reader.damages
    assert not any(frame.damage for frame in frames)


def test_times_go_on_where_those_of_the_video_begin_anew(
    pictures: dict[int, Pixels], tmp_path: Path
) -> None:
    path = write_video(tmp_path / "x.ts", [*pictures.values()])
    path.write_bytes(path.read_bytes() * 2)

    frames, _ = frames_of(path)

    steps = np.diff([frame.time_s for frame in frames])
    assert len(steps) >= 2 * len(pictures) - 2
    assert (steps > 0).all()
    assert frames[-1].time_s == pytest.approx((2 * len(pictures) - 1) / RATE, abs=0.1)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_video_of_a_phone_that_was_held_otherwise_is_upright(
    pictures: dict[int, Pixels], tmp_path: Path, degrees: int
) -> None:
    [upright, *_] = pictures.values()
    upright = upright[:250, :332]
    stored = np.rot90(upright, -degrees // 90)

    [frame], _ = frames_of(write_video(tmp_path / "x.mp4", [stored], degrees=degrees))

    assert frame.pixels.shape == upright.shape
    assert np.abs(frame.pixels.astype(int) - upright).mean() < 8


@pytest.mark.parametrize(
    ("codec", "name"),
    [("libx264", "x.mp4"), ("libx264", "x.ts"), ("mpeg4", "x.avi"), ("mjpeg", "x.avi")],
)
def test_damage_is_counted_and_told_and_what_follows_is_read(
    pictures: dict[int, Pixels], tmp_path: Path, codec: str, name: str
) -> None:
    sent = [*pictures.values()] * 2
    path = write_video(tmp_path / name, sent, codec)
    content = bytearray(path.read_bytes())
    start = len(content) // 3
    content[start : start + 400] = random.Random(0).randbytes(400)
    path.write_bytes(content)

    frames, reader = frames_of(path)

    assert len(frames) >= len(sent) - 2
    assert 1 <= reader.damages <= 3
    # It is that of the frame which is beyond recognition, and not the last.
    place = float(reader.first_damage.rpartition("near ")[2].removesuffix(" s"))
    assert 0 < place < 0.9
    assert reader.ended_early is None


@pytest.mark.parametrize(("codec", "name"), [("libx264", "x.mkv"), ("mpeg4", "x.avi")])
def test_a_video_that_was_cut_off_is_read_up_to_there(
    pictures: dict[int, Pixels], tmp_path: Path, codec: str, name: str
) -> None:
    sent = [*pictures.values()]
    path = write_video(tmp_path / name, sent, codec)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])

    frames, reader = frames_of(path)

    assert len(sent) // 3 < len(frames) < len(sent)
    assert reader.damages == 1


def test_what_is_no_video_is_told_in_a_sentence(
    pictures: dict[int, Pixels], tmp_path: Path
) -> None:
    cut = write_video(tmp_path / "cut.mp4", [*pictures.values()])
    cut.write_bytes(cut.read_bytes()[:-2000])  # an MP4 has its table of contents at its end
    text = tmp_path / "text.mp4"
    text.write_text("not a video")
    for path, reason in (
        (cut, "Invalid data found .*moov atom not found"),
        (text, "Invalid data found"),
        (tmp_path, "it is no file"),
        (tmp_path / "gone.mp4", "it is no file"),
    ):
        with pytest.raises(VideoError, match=reason) as raised:
            frames_of(path)
        assert "\n" not in str(raised.value)


def test_frames_that_are_larger_than_the_server_takes_are_not_decoded(
    pictures: dict[int, Pixels], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_video(tmp_path / "x.mp4", [*pictures.values()][:3])
    monkeypatch.setattr("client.video.reader.MAX_PIXELS", 1000)

    frames, reader = frames_of(path)

    assert not frames
    assert reader.damages == 3
    assert "Picture size 332x250 exceeds" in reader.first_damage
