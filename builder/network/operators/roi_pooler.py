"""RoIs pooled from one or several feature maps: detectron2's `ROIPooler`.

Each map is pooled with ONNX's RoiAlign, which is torchvision's to the last bit. Boxes and maps are
fp32 there: in fp16 boxes would be off by a pixel.

On a CPU each map gets the RoIs that are to be pooled from it. How many these are depends on the
boxes; where sizes may not, every RoI goes through all maps, but to those that it is not to be
pooled from it is shown as a box far outside, which adds nothing, and the results are added up.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from builder.network.feature_map import FeatureMap, dimension, positions
from builder.network.precision import Precision
from builder.network.runtime_choice import Outputs, branches, runtime_choice

CANONICAL_LEVEL = 4
CANONICAL_BOX_SIZE = 224
"""A box of this size, in pixels, is pooled from this level (Lin et al. 2017, equation 1)."""

POOLER_TYPES = ("ROIAlignV2", "ROIAlign")

LEVEL_BY_LEVEL = True
"""Whether a map gets its own RoIs alone, and a border only where there is padding behind it: the
initializer `level_by_level`, for which a runtime may have another value."""

FAR_OUTSIDE = -1e4
"""In pixels: beyond the border of every map, so that all of a bin's samples are 0."""


@dataclass(frozen=True)
class ROIPooler:
    """How RoIs are pooled."""

    resolution: int
    """Bins in each axis."""
    pooler_type: str
    """ROIAlignV2, or ROIAlign: without a shift by half a cell, and at least a cell large."""
    sampling_ratio: int
    """Samples of a bin in each axis; 0 for as many as it has cells."""

    def bordered(
        self, op: Any, feature_maps: Sequence[FeatureMap], precision: Precision
    ) -> list[FeatureMap]:
        """The maps as `pool` takes them: fp32, with a border behind each picture's extent.

        Without padding behind the extents nothing of it would be seen.

        Args:
            feature_maps: those that may be pooled from, the finest first, each half as fine as the
                one before it.
        """

        def always(op: Any) -> list[ir.Value]:
            return [self._with_border(op, each) for each in feature_maps]

        def as_they_are(op: Any) -> list[ir.Value]:
            return [op.Identity(each.value) for each in feature_maps]

        def where_padded(op: Any) -> list[ir.Value]:
            first = feature_maps[0]
            size = op.Cast(op.Shape(first.value, start=2, end=4), to=ir.DataType.FLOAT)
            padding = op.ReduceMax(op.Sub(size, first.grid.extent), keepdims=0)
            padded = op.Greater(padding, 0.5)
            return branches(op, padded, always, as_they_are, outputs)

        outputs: Outputs = [
            (precision.dtype, ["N", each.shape.channels, None, None]) for each in feature_maps
        ]
        if precision.static or self._may_leave:
            values = always(op)
        else:
            values = runtime_choice(
                op, "level_by_level", LEVEL_BY_LEVEL, where_padded, always, outputs
            )
        return [
            FeatureMap(op.Cast(value, to=ir.DataType.FLOAT), each.shape, each.grid)
            for value, each in zip(values, feature_maps, strict=True)
        ]

    def pool(
        self,
        op: Any,
        bordered_maps: Sequence[FeatureMap],
        boxes: ir.Value,
        pictures: ir.Value,
        precision: Precision,
    ) -> ir.Value:
        """The bins of each box.

        Args:
            bordered_maps: see `bordered`.
            boxes: FP32 [K, 4], xyxy in pixels of the canvas.
            pictures: INT64 [K], the picture of each.

        Returns:
            [K, C, resolution, resolution], of the precision's type.
        """
        levels = [int(np.log2(each.shape.stride)) for each in bordered_maps]
        if len(levels) == 1:
            pooled = self._pool_from(op, bordered_maps[0], boxes, pictures)
            return op.Cast(pooled, to=precision.dtype)
        level = box_levels(op, boxes, levels[0], levels[-1])

        def level_by_level(op: Any) -> list[ir.Value]:
            parts, places = [], []
            for number, feature_map in zip(levels, bordered_maps, strict=True):
                here = op.Equal(op.Squeeze(level, [1]), float(number))
                here = op.Squeeze(op.NonZero(here), [0])
                own = (op.Gather(each, here, axis=0) for each in (boxes, pictures))
                parts.append(self._pool_from(op, feature_map, *own))
                places.append(here)
            order = op.Concat(*places, axis=0)
            number = op.Range(0, dimension(op, order, 0), 1)
            where = op.ScatterElements(order, order, number, axis=0)
            return [op.Gather(op.Concat(*parts, axis=0), where, axis=0)]

        def all_levels(op: Any) -> list[ir.Value]:
            parts = []
            for number, feature_map in zip(levels, bordered_maps, strict=True):
                here = op.Where(op.Equal(level, float(number)), boxes, FAR_OUTSIDE)
                parts.append(self._pool_from(op, feature_map, here, pictures))
            return [functools.reduce(op.Add, parts)]

        if precision.static:
            [pooled] = all_levels(op)
        else:
            shape = [None, bordered_maps[0].shape.channels, self.resolution, self.resolution]
            [pooled] = runtime_choice(
                op,
                "level_by_level",
                LEVEL_BY_LEVEL,
                level_by_level,
                all_levels,
                [(ir.DataType.FLOAT, shape)],
            )
        return op.Cast(pooled, to=precision.dtype)

    def _pool_from(
        self, op: Any, feature_map: FeatureMap, boxes: ir.Value, pictures: ir.Value
    ) -> ir.Value:
        """`pool` from one of the maps, FP32."""
        bins = op.RoiAlign(
            feature_map.value,
            boxes,
            pictures,
            output_height=self.resolution,
            output_width=self.resolution,
            sampling_ratio=self.sampling_ratio,
            spatial_scale=1.0 / feature_map.shape.stride,
            mode="avg",
            coordinate_transformation_mode=(
                "half_pixel" if self.pooler_type == "ROIAlignV2" else "output_half_pixel"
            ),
        )
        if self._may_leave:
            extent = op.Gather(feature_map.grid.extent, pictures, axis=0)
            bins = self._without_what_left(op, bins, boxes, extent, feature_map.shape.stride)
        return bins

    @property
    def _may_leave(self) -> bool:
        """Whether a box at the border of a picture is pooled from beyond: one of below a cell."""
        return self.pooler_type == "ROIAlign"

    def _with_border(self, op: Any, feature_map: FeatureMap) -> ir.Value:
        """The map with the last row and column of each picture's extent once more behind it.

        A sample between the last cell and the border of a map reads the last cell; beyond an extent
        that ends before its map does, it is to read the same. A box that leaves the extent reads
        the last cell twice more, see `_without_what_left`.
        """
        x = feature_map.value
        for axis, extent in _by_axis(op, feature_map.grid.extent):
            if self._may_leave:  # Beyond the map RoiAlign itself would read zeros.
                x = op.Concat(x, op.Slice(x, [-1], [2**31], [axis]), axis=axis)
            place = op.Unsqueeze(positions(op, dimension(op, x, axis)), [0])
            for beyond in range(2 if self._may_leave else 1):
                behind = op.Equal(op.Sub(place, float(beyond)), extent)
                behind = op.Unsqueeze(behind, [1, 3] if axis == 2 else [1, 2])
                first = op.Slice(x, [0], [1], [axis])
                shifted = op.Concat(first, op.Slice(x, [0], [-1], [axis]), axis=axis)
                x = op.Where(behind, shifted, x)
        return x

    def _without_what_left(
        self, op: Any, bins: ir.Value, boxes: ir.Value, extent: ir.Value, stride: int
    ) -> ir.Value:
        """The bins, less the samples beyond the extents, which ROIAlign counts as zeros.

        Where a box leaves the extent, it is a cell large and begins in the last one. All of its
        samples read that cell then, and what is left of a bin is the share of samples within.

        Args:
            bins: [K, C, resolution, resolution].
            boxes: FP32 [K, 4], xyxy in pixels.
            extent: FP32 [K, 2], rows and columns of each box's picture.
        """
        samples = max(self.sampling_ratio, 1)  # As many as an adaptive box of one cell takes.
        x1, y1, x2, y2 = (
            op.Mul(side, 1.0 / stride)
            for side in op.Split(boxes, axis=1, num_outputs=4, _outputs=4)
        )
        bin_number = op.Unsqueeze([float(number) for number in range(self.resolution)], [1])
        sample = [number + 0.5 for number in range(samples)]
        for (axis, limit), (start, end) in zip(
            _by_axis(op, extent), ((y1, y2), (x1, x2)), strict=True
        ):
            size = op.Div(op.Max(op.Sub(end, start), 1.0), float(self.resolution))
            start, size, limit = (op.Unsqueeze(each, [2]) for each in (start, size, limit))
            at = op.Add(start, op.Mul(bin_number, size))
            at = op.Add(at, op.Div(op.Mul(sample, size), float(samples)))
            within = op.Cast(op.LessOrEqual(at, limit), to=ir.DataType.FLOAT)
            share = op.ReduceMean(within, [2], keepdims=0)
            bins = op.Mul(bins, op.Unsqueeze(share, [1, 3] if axis == 2 else [1, 2]))
        return bins


def _by_axis(op: Any, extent: ir.Value) -> tuple[tuple[int, ir.Value], tuple[int, ir.Value]]:
    """The axes of a map, 2 and 3, each with its extents [N, 1]."""
    rows, columns = op.Split(extent, axis=1, num_outputs=2, _outputs=2)
    return (2, rows), (3, columns)


def box_levels(op: Any, boxes: ir.Value, lowest: int, highest: int) -> ir.Value:
    """The level that each box is pooled from: detectron2's `assign_boxes_to_levels`.

    That is floor(4 + log2(√area / 224 + 1e-8)) within bounds. Here √area / 224 is compared with the
    least numbers of each level, so that boxes at the edge fall as they do there.

    Args:
        boxes: FP32 [K, 4], xyxy in pixels.

    Returns:
        FP32 [K, 1].
    """
    x1, y1, x2, y2 = op.Split(boxes, axis=1, num_outputs=4, _outputs=4)
    size = op.Sqrt(op.Mul(op.Sub(x2, x1), op.Sub(y2, y1)))
    ratio = op.Div(size, float(CANONICAL_BOX_SIZE))
    reached = op.GreaterOrEqual(ratio, least_ratios(lowest, highest))
    above = op.ReduceSum(op.Cast(reached, to=ir.DataType.FLOAT), [1], keepdims=1)
    return op.Add(above, float(lowest))


def least_ratios(lowest: int, highest: int) -> list[float]:
    """By level above the lowest, the least √area / 224 that detectron2's formula puts there.

    Its sum and logarithm are rounded to fp32, so these are a little below the powers of two.
    """
    ratios = []
    for level in range(lowest + 1, highest + 1):
        ratio = np.float32(2.0 ** (level - CANONICAL_LEVEL))
        while formula_level(below := np.nextafter(ratio, np.float32(0))) >= level:
            ratio = below
        ratios.append(float(ratio))
    return ratios


def formula_level(ratio: npt.NDArray[np.float32] | np.float32) -> npt.NDArray[np.float32]:
    """detectron2's formula, in fp32, of √area / 224."""
    logarithm = np.log2(np.float32(ratio) + np.float32(1e-8))
    return np.floor(np.float32(CANONICAL_LEVEL) + logarithm)
