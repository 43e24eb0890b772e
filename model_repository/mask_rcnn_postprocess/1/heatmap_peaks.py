"""The largest cell of a heatmap that is resized to its box, without resizing it.

detectron2 doubles the network's map by bilinear interpolation, resizes it to the box by bicubic
interpolation, and takes the largest cell. Both steps together are one interpolation: a cell is a
weighted mean of the *patch* of 4×4 logits about it, with weights that are a product of those for
its row and for its column. So bounds on all cells of a patch are known from its logits, and only
the cells of the few patches that could have the largest one are computed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.intp]

TAPS = 4
"""Logits in each axis of a patch. The two in the middle have the cells between them."""

CUBIC = np.float32(-0.75)
"""Slope of the bicubic kernel at its second tap: PyTorch's ``interpolate``."""

ROUNDING = np.float32(1e-5)
"""How much a bound may be off by rounding, as a share of the largest magnitude."""

# A cell's four weights in one axis add up to 1. Those of the outer two taps lie between these.
_MOST_OUTER = 5 / 64
_MOST_NEGATIVE = 3 / 64
OUTER = np.float32(1 - (1 - _MOST_OUTER) ** 2)
"""Most that the weights of the patch's 12 outer logits add up to."""
NEGATIVE = np.float32(2 * _MOST_NEGATIVE * (1 + _MOST_NEGATIVE))
"""Most that the negative weights of a patch add up to, without their sign."""

_HALF = np.array([[5, 54, 5, 0], [3, 54, 7, 0], [-4, 40, 28, 0]], np.float32) / 64
_CONTROL = np.concatenate([_HALF, _HALF[:, ::-1]])
"""The hull of all weights in one axis: between two taps they are three cubic curves, and these the
corners of the curves' Bézier polygons that are not within the hull of the others."""
CONTROL_POINTS = np.einsum("ai,bj->abij", _CONTROL, _CONTROL).reshape(-1, TAPS**2)

BLOCK = 256
"""Patches in one matrix product: so small that BLAS does not wake its threads for it, which would
fight over the cores with the model's other instances."""

GROUP = 1024
"""Patches whose cells are computed together."""


class Peaks(NamedTuple):
    """The largest cell of each heatmap, the first of several that are equal."""

    cells: npt.NDArray[np.float32]
    """FP32 [n, K, 2], its column and row, whole numbers."""
    logits: npt.NDArray[np.float32]
    """FP32 [n, K], its value."""


def heatmap_peaks(logits: Floats, sizes: Integers) -> Peaks:
    """The largest cells of the heatmaps.

    Args:
        logits: FP32 [n, K, s, s], finite.
        sizes: [n, 2], columns and rows of cells in each box, at least 1.
    """
    boxes, points, side, _ = logits.shape
    if logits.size == 0:
        return Peaks(
            np.zeros((boxes, points, 2), np.float32), np.zeros((boxes, points), np.float32)
        )
    maps = logits.reshape(-1, side, side)
    box_of = np.repeat(np.arange(boxes), points)
    columns, rows = (_Axis(sizes[:, axis], side) for axis in (0, 1))

    reached = _nearest_to_largest(maps, box_of, columns, rows)
    chosen = _hopeful_patches(maps, reached, box_of, columns, rows)
    values = _logits_of(maps, *chosen)
    left = np.flatnonzero(_bounds(values) >= reached[chosen.map])
    chosen, values = _Chosen(*(each[left] for each in chosen)), values[left]
    best, column, row = _best_cells(chosen, values, box_of, columns, rows)

    first = np.flatnonzero(np.diff(chosen.map, prepend=-1))
    largest = np.maximum.reduceat(best, first)
    place = np.where(
        best == largest[chosen.map], row * sizes[box_of[chosen.map], 0] + column, 2**62
    )
    place = np.minimum.reduceat(place, first)
    row, column = np.divmod(place, sizes[box_of, 0])
    cells = np.stack([column, row], 1).astype(np.float32)
    return Peaks(cells.reshape(boxes, points, 2), largest.reshape(boxes, points))


class _Axis:
    """The cells of all boxes along one axis, one box after the other, each in its patch.

    Of `side` logits there are `side` + 1 patches: patch p has its cells between the logits p - 1
    and p, or between the border and the first or last.
    """

    def __init__(self, sizes: Integers, side: int) -> None:
        box = np.repeat(np.arange(len(sizes)), sizes)
        self.sizes = sizes
        self.start = np.cumsum(sizes) - sizes
        """[n], the first cell of each box."""
        number = np.arange(len(box)) - self.start[box]
        position = (number + 0.5) * (side / sizes)[box] - 0.5
        below = np.floor(position)
        self.patch = below.astype(np.intp) + 1
        """[cells]."""
        self.weights = tap_weights((position - below).astype(np.float32))
        """FP32 [cells, 4]."""
        patches = np.bincount(box * (side + 1) + self.patch, minlength=len(sizes) * (side + 1))
        self.count = patches.reshape(len(sizes), side + 1)
        """[n, side + 1], cells in each patch."""
        self.first = np.cumsum(patches).reshape(self.count.shape) - self.count
        """[n, side + 1], the first cell of each patch."""

    def nearest(self, box: Integers, logit: Integers, side: int) -> Integers:
        """The cell of each box that is the nearest to a logit."""
        sizes = self.sizes[box]
        number = np.rint((logit + 0.5) * sizes / side - 0.5).astype(np.intp)
        return self.start[box] + np.clip(number, 0, sizes - 1)

    def cells_in(self, box: Integers, patch: Integers) -> Integers:
        """[patches, c], the cells of patches that have some; the last is repeated."""
        count = self.count[box, patch][:, None]
        return self.first[box, patch][:, None] + np.minimum(np.arange(count.max()), count - 1)


class _Chosen(NamedTuple):
    """Some of all patches, those of one map side by side."""

    map: Integers
    row: Integers
    column: Integers


def tap_weights(position: Floats) -> Floats:
    """The weights of a patch's logits in one axis.

    Args:
        position: [k], of cells between the two taps in the middle, from 0 to 1.

    Returns:
        FP32 [k, 4]. Those of bicubic interpolation in a map that bilinear interpolation has
        doubled: from each logit it makes two cells, a quarter of a logit before and behind it.
    """
    doubled = 2 * position + np.float32(0.5)
    piece = np.floor(doubled)
    t = doubled - piece
    s = 1 - t
    far, near = CUBIC * t * s * s, ((CUBIC + 2) * t - (CUBIC + 3)) * t * t + 1
    beyond = CUBIC * s * t * t
    cubic = np.stack([far, near, 1 - far - near - beyond, beyond], 1)
    weights = np.empty((len(position), TAPS), np.float32)
    for number, bilinear in enumerate(_BILINEAR):
        here = piece == number
        weights[here] = cubic[here] @ bilinear
    return weights


_BILINEAR = np.array(
    [
        [[3, 1, 0, 0], [1, 3, 0, 0], [0, 3, 1, 0], [0, 1, 3, 0]],
        [[1, 3, 0, 0], [0, 3, 1, 0], [0, 1, 3, 0], [0, 0, 3, 1]],
        [[0, 3, 1, 0], [0, 1, 3, 0], [0, 0, 3, 1], [0, 0, 1, 3]],
    ],
    np.float32,
) / np.float32(4)
"""For each of the three pieces between two logits, what the four doubled cells about it are made
of."""


def _logits_of(maps: Floats, map: Integers, row: Integers, column: Integers) -> Floats:
    """FP32 [patches, 4, 4]; beyond the border a patch has the logits at the border."""
    side = maps.shape[1]
    taps = np.clip(np.arange(side + 1)[:, None] + np.arange(-2, 2), 0, side - 1)
    rows = (map * side)[:, None] + taps[row]
    return maps.reshape(-1).take((rows * side)[:, :, None] + taps[column][:, None, :])


def _bounds(values: Floats) -> Floats:
    """FP32 [patches], what no cell of a patch is above.

    A Bézier surface lies within the hull of its control points.
    """
    blocks = (values[start : start + BLOCK] for start in range(0, len(values), BLOCK))
    return np.concatenate(
        [(CONTROL_POINTS @ block.reshape(-1, TAPS**2).T).max(0) for block in blocks]
    )


def _nearest_to_largest(maps: Floats, box_of: Integers, columns: _Axis, rows: _Axis) -> Floats:
    """FP32 [maps], what the largest cell of each map has at least, less rounding."""
    side = maps.shape[1]
    flat = maps.reshape(len(maps), -1)
    row, column = np.divmod(flat.argmax(1), side)
    row, column = rows.nearest(box_of, row, side), columns.nearest(box_of, column, side)
    values = _logits_of(maps, np.arange(len(maps)), rows.patch[row], columns.patch[column])
    value = np.einsum("ki,kij,kj->k", rows.weights[row], values, columns.weights[column])
    return value - ROUNDING * np.maximum(flat.max(1), -flat.min(1))


def _hopeful_patches(
    maps: Floats, reached: Floats, box_of: Integers, columns: _Axis, rows: _Axis
) -> _Chosen:
    """The patches with cells that may have `reached`, told by the 2×2 logits in their middle.

    A cell has at most their largest b, and of what is larger elsewhere in the map, or of what is
    less, the share that the weights allow: b + OUTER · (most - b) + NEGATIVE · (b - least).
    """
    flat = maps.reshape(len(maps), -1)
    most, least = flat.max(1), flat.min(1)
    needed = (reached - OUTER * most + NEGATIVE * least) / (1 - OUTER + NEGATIVE)
    side = maps.shape[1]
    enough = np.zeros((len(maps), side + 2, side + 2), np.bool_)
    np.greater_equal(maps, needed[:, None, None], out=enough[:, 1:-1, 1:-1])
    in_rows = enough[:, 1:] | enough[:, :-1]
    hopeful = in_rows[:, :, 1:] | in_rows[:, :, :-1]
    hopeful &= ((rows.count > 0)[:, :, None] & (columns.count > 0)[:, None, :])[box_of]
    chosen = np.flatnonzero(hopeful)
    map, patch = np.divmod(chosen, (side + 1) ** 2)
    return _Chosen(map, *np.divmod(patch, side + 1))


def _best_cells(
    chosen: _Chosen, values: Floats, box_of: Integers, columns: _Axis, rows: _Axis
) -> tuple[Floats, Integers, Integers]:
    """Of each patch the largest cell's value, column and row in the box."""
    box = box_of[chosen.map]
    best = np.empty(len(box), np.float32)
    column, row = np.empty(len(box), np.intp), np.empty(len(box), np.intp)
    cells = rows.count[box, chosen.row] * columns.count[box, chosen.column]
    # Patches of about as many cells together: the others are filled up to the largest.
    order = np.argsort(cells, kind="stable")
    for group in np.array_split(order, -(-len(order) // GROUP)):
        y = rows.cells_in(box[group], chosen.row[group])
        x = columns.cells_in(box[group], chosen.column[group])
        across = columns.weights[x].transpose(0, 2, 1)
        found = np.matmul(np.matmul(rows.weights[y], values[group]), across)
        found = found.reshape(len(group), -1)
        place = found.argmax(1)
        number = np.arange(len(group))
        best[group] = found[number, place]
        row[group] = y[number, place // x.shape[1]] - rows.start[box[group]]
        column[group] = x[number, place % x.shape[1]] - columns.start[box[group]]
    return best, column, row
