"""COCO's compressed run lengths of a mask, decoded."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

MOST_DIGITS = 6
"""Of one run length, 5 bits each. pycocotools shifts a seventh out of its integers."""


def run_lengths(counts: bytes) -> npt.NDArray[np.int64]:
    """The run lengths that counts stand for.

    Args:
        counts: run lengths of zeros and ones in turn, down the columns. Each is written in digits
            of 5 bits, the lowest first, in characters from "0" on, where 32 says that another
            digit follows; from the fourth on it is the difference to the one but last
            (``rleFrString`` in pycocotools' maskApi.c).

    Returns:
        INT64 [n], n > 0, none below 0.

    Raises:
        ValueError: the counts are cut off, or hold what is not a run length.
    """
    digits = np.frombuffer(counts, np.uint8).astype(np.int64) - ord("0")
    is_last = digits & 32 == 0
    if not digits.size or not is_last[-1] or digits.min() < 0 or digits.max() > 63:
        raise ValueError("the RLE of a mask has characters that are not those of run lengths")
    last = np.flatnonzero(is_last)
    first = np.concatenate([[0], last[:-1] + 1])
    if (last - first).max() >= MOST_DIGITS:
        raise ValueError(f"the RLE of a mask has a run length of more than {MOST_DIGITS} digits")
    shifts = 5 * (np.arange(len(digits)) - np.repeat(first, last - first + 1))
    runs = np.add.reduceat((digits & 31) << shifts, first)
    runs -= (digits[last] & 16) << (shifts[last] + 1)  # the highest bit is the sign
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    if runs.min() < 0:
        raise ValueError("the RLE of a mask has a run length below 0")
    return runs


def decode(counts: bytes, height: int, width: int) -> npt.NDArray[np.bool_]:
    """The mask that ``pycocotools.mask.decode`` makes of counts that fit the picture.

    Others are refused. pycocotools writes beyond the mask for some of them, and what a server
    answers may be anything.

    Args:
        counts: see `run_lengths`.
        height, width: of the picture, in pixels.

    Returns:
        BOOL [height, width].

    Raises:
        ValueError: the counts are none, or are of another picture.
    """
    runs = run_lengths(counts)
    if runs.sum() != height * width:
        raise ValueError(
            f"the RLE of a mask does not add up to the {height * width} pixels of the picture"
        )
    ones = np.arange(len(runs)) % 2 == 1
    return np.repeat(ones, runs).reshape(width, height).T
