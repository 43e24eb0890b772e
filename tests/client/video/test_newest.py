"""Frames of what does not wait."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import pytest

from client.video.newest import Newest


def test_who_comes_late_gets_the_newest_and_the_last() -> None:
    taken, more = threading.Event(), threading.Event()

    def camera() -> Iterator[int]:
        yield 0
        taken.wait(10)
        yield from range(1, 10)
        more.set()

    with Newest(camera()) as newest:
        frames = iter(newest)
        assert next(frames) == 0
        taken.set()
        assert more.wait(10)
        assert [*frames] == [9]
    assert newest.left_out == 8


def test_a_fault_of_the_camera_comes_after_its_last_frame() -> None:
    def camera() -> Iterator[int]:
        yield 0
        raise ValueError("unplugged")

    with Newest(camera()) as newest:
        frames = iter(newest)
        assert next(frames) == 0
        with pytest.raises(ValueError, match="unplugged"):
            next(frames)


def test_it_is_left_while_the_camera_goes_on() -> None:
    with Newest(itertools.repeat(0)) as newest:
        next(iter(newest))
        assert "newest-frame" in [thread.name for thread in threading.enumerate()]

    assert "newest-frame" not in [thread.name for thread in threading.enumerate()]
