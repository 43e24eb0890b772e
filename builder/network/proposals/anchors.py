"""Anchors: detectron2's `DefaultAnchorGenerator`, made only for the cells that are asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from builder.config.rules import POSITIVE, exactly, lists_of_numbers, number
from builder.config.settings import setting
from builder.network.feature_map import FeatureMap, dimension


@dataclass(frozen=True)
class DefaultAnchorGeneratorSettings:
    """The lists are by feature map; one list is that of all maps."""

    name: str = setting(
        "MODEL.ANCHOR_GENERATOR.NAME",
        "DefaultAnchorGenerator",
        exactly("DefaultAnchorGenerator", because="rotated boxes are not built"),
    )
    sizes: tuple[tuple[float, ...], ...] = setting(
        "MODEL.ANCHOR_GENERATOR.SIZES",
        ((32.0, 64.0, 128.0, 256.0, 512.0),),
        lists_of_numbers(POSITIVE),
    )
    """Square roots of the anchors' areas, in pixels of the resized picture."""
    aspect_ratios: tuple[tuple[float, ...], ...] = setting(
        "MODEL.ANCHOR_GENERATOR.ASPECT_RATIOS",
        ((0.5, 1.0, 2.0),),
        lists_of_numbers(POSITIVE),
    )
    """Height / width of the anchors."""
    offset: float = setting(
        "MODEL.ANCHOR_GENERATOR.OFFSET",
        0.0,
        number("a number from 0 to less than 1", lambda x: 0 <= x < 1),
    )
    """Centre of the first anchor, in strides."""

    def check(self, feature_maps: int) -> None:
        """Raises ValueError if the lists are not for that many maps, with as many anchors each."""
        for key, lists in (("SIZES", self.sizes), ("ASPECT_RATIOS", self.aspect_ratios)):
            if len(lists) not in (1, feature_maps):
                raise ValueError(
                    f"MODEL.ANCHOR_GENERATOR.{key} is {[list(each) for each in lists]}; supported: "
                    f"one list, or {feature_maps}: one for each map in MODEL.RPN.IN_FEATURES"
                )
        if len(counts := {len(self.build(number)) for number in range(feature_maps)}) > 1:
            raise ValueError(
                f"MODEL.ANCHOR_GENERATOR.SIZES and ASPECT_RATIOS make {min(counts)} to "
                f"{max(counts)} anchors in a cell; supported: as many on each map (the RPN has one "
                "head for all)"
            )

    def build(self, feature_map: int) -> DefaultAnchorGenerator:
        """The generator for the feature map of that number, from 0."""
        sizes, ratios = (
            lists[feature_map if len(lists) > 1 else 0]
            for lists in (self.sizes, self.aspect_ratios)
        )
        return DefaultAnchorGenerator(sizes, ratios, self.offset)


class DefaultAnchorGenerator:
    """The anchors on one feature map.

    `cell_anchors` are those of one cell about its corner, FP32 [A, 4] xyxy in pixels, size-major,
    then ratio h/w. Source: detectron2 `DefaultAnchorGenerator.generate_cell_anchors`.
    """

    def __init__(
        self, sizes: tuple[float, ...], aspect_ratios: tuple[float, ...], offset: float
    ) -> None:
        self.offset = offset
        anchors = []
        for size in sizes:
            for ratio in aspect_ratios:
                width = math.sqrt(size**2.0 / ratio)
                height = ratio * width
                anchors.append([-width / 2, -height / 2, width / 2, height / 2])
        self.cell_anchors: npt.NDArray[np.float32] = np.asarray(anchors, np.float32)

    def __len__(self) -> int:
        """Anchors of a cell."""
        return len(self.cell_anchors)

    def anchors_at(self, op: Any, indices: ir.Value, feature_map: FeatureMap) -> ir.Value:
        """The anchors of flat indices in the order (H, W, A).

        Args:
            indices: INT64 [N, K].
            feature_map: the map on whose grid the anchors stand.

        Returns:
            FP32 [N, K, 4], xyxy in pixels of the canvas.
        """
        stride = feature_map.shape.stride
        cells = op.initializer(ir.tensor(self.cell_anchors, name=f"cell_anchors.{stride}"))
        columns = dimension(op, feature_map.value, 3)
        cell = op.Div(indices, len(self))
        anchor = op.Gather(cells, op.Mod(indices, len(self)), axis=0)
        x, y = (
            self._pixels(op, index, stride)
            for index in (op.Mod(cell, columns), op.Div(cell, columns))
        )
        return op.Add(anchor, op.Concat(x, y, x, y, axis=2))

    def _pixels(self, op: Any, index: ir.Value, stride: int) -> ir.Value:
        steps = op.Add(op.Cast(index, to=ir.DataType.FLOAT), self.offset)
        return op.Unsqueeze(op.Mul(steps, float(stride)), [2])
