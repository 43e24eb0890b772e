from __future__ import annotations

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from client.rle import decode

RANDOM = np.random.default_rng(0)

MASKS = {
    "all zero": np.zeros((5, 7), np.uint8),
    "all one": np.ones((5, 7), np.uint8),
    "one pixel": np.ones((1, 1), np.uint8),
    "checkered": np.indices((40, 30)).sum(0).astype(np.uint8) % 2,
    "random": RANDOM.integers(0, 2, (61, 47), np.uint8),
    "rare ones": (RANDOM.random((200, 300)) < 0.01).astype(np.uint8),
    "long runs": np.pad(np.ones((2, 3), np.uint8), 2000),
}


@pytest.mark.parametrize("name", MASKS)
def test_the_mask_is_pycocotools(name: str) -> None:
    mask = MASKS[name]
    rle = mask_utils.encode(np.asfortranarray(mask))
    decoded = decode(rle["counts"], *mask.shape)
    assert decoded.dtype == np.bool_
    np.testing.assert_array_equal(decoded, mask_utils.decode(rle))


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        (b"", "characters"),
        (b"P", "characters"),
        (b"5\n", "characters"),
        (b"5\xff", "characters"),
        (b"P" * 6 + b"0", "more than 6 digits"),
        (b"P" * 1000 + b"0", "more than 6 digits"),
        (b"5", "add up to the 6 pixels"),
        (b"52", "add up to the 6 pixels"),
        (b"7O", "below 0"),
        (b"1111O0", "add up to the 6 pixels"),
        (b"PPPPP?" * 3, "add up to the 6 pixels"),
    ],
)
def test_other_counts_are_refused(counts: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        decode(counts, 2, 3)
