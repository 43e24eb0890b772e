from __future__ import annotations

import io

import numpy as np
import pytest
from jpeg import MAX_SCANS, has_too_many_scans
from PIL import Image

from tests.hostile_inputs.by_hand import jpeg_of_scans, jpeg_segment, with_jpeg_segments


def encoded(**options: object) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"restart_marker_blocks": 1}, {"quality": 100}]
)
def test_what_an_encoder_writes_has_few_scans(options: dict[str, object]) -> None:
    assert not has_too_many_scans(encoded(**options))


@pytest.mark.parametrize(("scans", "too_many"), [(1, False), (MAX_SCANS, False), (101, True)])
def test_scans_are_counted(scans: int, too_many: bool) -> None:
    data = jpeg_of_scans(64, scans)
    Image.open(io.BytesIO(data)).load()
    assert has_too_many_scans(data) == too_many


def test_what_only_looks_like_a_scan_is_not_counted() -> None:
    starts = b"\xff\xda" * 1000
    data = with_jpeg_segments(encoded(restart_marker_blocks=1), jpeg_segment(0xE1, starts))
    assert not has_too_many_scans(data + starts)


def test_scans_that_only_fill_bytes_part_are_counted() -> None:
    data = jpeg_of_scans(64, MAX_SCANS + 1).replace(b"\xff\xda", b"\xff\xff\xff\xda")
    Image.open(io.BytesIO(data)).load()
    assert has_too_many_scans(data)


@pytest.mark.parametrize("data", [b"", b"\xff", b"\xff\xda" * 200, b"\xff\xd8" + b"\xff\xe0" * 999])
def test_damage_does_no_harm(data: bytes) -> None:
    assert isinstance(has_too_many_scans(data), bool)
