"""Label Studio's run lengths, held against its format and its own SDK."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from client.annotation.label_studio.brush import brush_rle

SDKS_OWN = [0, 0, 0, 48, 57, 27, 252, 96, 19, 255, 223, 0, 159, 254, 48, 9, 255, 192]
"""Of `label_studio_sdk.converter.brush.mask2rle` (2.1.2), for the mask below."""


def decoded(rle: list[int], height: int, width: int) -> npt.NDArray[np.uint8]:
    """The pixels [h, w, 4], as the README of @thi.ng/rle-pack describes the format."""
    bits = "".join(f"{byte:08b}" for byte in rle)
    place = 0

    def read(count: int) -> int:
        nonlocal place
        assert place + count <= len(bits)
        place += count
        return int(bits[place - count : place], 2)

    values = read(32)
    value_bits = read(5) + 1
    count_bits = [read(4) + 1 for _ in range(4)]
    content: list[int] = []
    while len(content) < values:
        assert read(1), "a run"
        content += (read(count_bits[read(2)]) + 1) * [read(value_bits)]
    assert len(bits) - place < 8
    return np.array(content, np.uint8).reshape(height, width, 4)


@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.5, 1])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (13, 5), (333, 251)])
def test_a_mask_comes_back(shape: tuple[int, int], share: float) -> None:
    mask = np.random.default_rng(0).random(shape) < share
    pixels = decoded(brush_rle(mask), *shape)
    assert np.array_equal(pixels, np.repeat(np.where(mask, 255, 0)[..., None], 4, axis=2))


def test_it_is_what_the_sdk_makes() -> None:
    mask = np.array([[0, 1, 1, 0], [0, 0, 0, 1], [1, 0, 1, 1]], np.bool_)
    assert brush_rle(mask) == SDKS_OWN
