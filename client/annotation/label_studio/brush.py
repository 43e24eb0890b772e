"""Label Studio's run lengths of a brush mask: bits, as @thi.ng/rle-pack packs them.

https://github.com/thi-ng/umbrella/blob/develop/packages/rle-pack/README.md
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

CHANNELS = 4
"""A mask is a picture in RGBA, all of whose channels are 255 where it is set, else 0."""

VALUE_BITS = 8
COUNT_BITS = np.array([3, 4, 8, 16])
"""A run names one of these, and has as many bits for its length less 1."""

MOST_IN_A_RUN = 1 << int(COUNT_BITS[-1])


def brush_rle(mask: npt.NDArray[np.bool_]) -> list[int]:
    """A mask as the `rle` of a region of type `brushlabels`.

    Args:
        mask: bool [h, w].

    Returns:
        Bytes, 0 to 255. 32 bits with the number of values, h * w * 4; 5 bits with the bits of a
        value less 1; four times 4 bits with those of `COUNT_BITS` less 1; then the runs: a bit
        that is set, 2 bits that choose one of `COUNT_BITS`, the length less 1, the value.
    """
    counts, values = _runs(mask)
    sizes = np.searchsorted(1 << COUNT_BITS, counts)
    # The most bits that a run takes are 27, so it fits into one number, from the highest bit on.
    lengths = 3 + COUNT_BITS[sizes] + VALUE_BITS
    runs = 0b100 | sizes
    runs = runs << COUNT_BITS[sizes] | (counts - 1)
    runs = runs << VALUE_BITS | values
    bits = _bits(runs, lengths)
    header_values = [mask.size * CHANNELS, VALUE_BITS - 1, *(COUNT_BITS - 1)]
    header = _bits(np.array(header_values), np.array([32, 5, 4, 4, 4, 4]))
    packed: list[int] = np.packbits(np.concatenate([header, bits])).tolist()
    return packed


def _runs(mask: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Lengths [n], none above `MOST_IN_A_RUN`, and values [n], along the rows of RGBA pixels."""
    flat = mask.ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    counts = np.diff(np.append(starts, flat.size)) * CHANNELS
    pieces = -(-counts // MOST_IN_A_RUN)
    values = np.repeat(np.where(flat[starts], 255, 0), pieces)
    whole = np.full(len(values), MOST_IN_A_RUN)
    last = np.cumsum(pieces) - 1
    whole[last] = counts - (pieces - 1) * MOST_IN_A_RUN
    return whole, values


def _bits(numbers: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """The lowest bits of each number, the highest of them first, one number after the other.

    Args:
        numbers: [n], below 2^32.
        lengths: [n], how many bits of each, up to 32.

    Returns:
        uint8 [sum of lengths], 0 or 1.
    """
    left = (numbers << (32 - lengths)).astype(">u4")
    bits = np.unpackbits(left.view(np.uint8).reshape(-1, 4), axis=1)
    return bits[np.arange(32) < lengths[:, None]]
