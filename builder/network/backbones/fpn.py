"""Feature pyramid on a ResNet: detectron2's `build_resnet_fpn_backbone`.

The maps are named after the logarithm of their stride, p2 to p5, and p6 is every second row and
column of p5 (`LastLevelMaxPool`). A picture alone is padded to multiples of the coarsest stride of
the ResNet's maps, and the margin counts: anchors stand on it, and RoIs are pooled from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import onnx_ir as ir
from onnxscript.nn import Module

from builder.config.rules import FOLDABLE_NORM, integer, one_of, some_of
from builder.config.settings import group, setting
from builder.network.backbones.resnet import ResNet, ResNetSettings
from builder.network.feature_map import Canvas, FeatureMap, FeatureShape
from builder.network.layers import Conv2d
from builder.network.precision import Precision


@dataclass(frozen=True)
class FPNSettings:
    """Those of `build_resnet_fpn_backbone`."""

    bottom_up: ResNetSettings = group(ResNetSettings)
    in_features: tuple[str, ...] = setting(
        "MODEL.FPN.IN_FEATURES",
        ("res2", "res3", "res4", "res5"),
        some_of("res2", "res3", "res4", "res5"),
    )
    """The maps of the ResNet that the pyramid is made of."""
    out_channels: int = setting("MODEL.FPN.OUT_CHANNELS", 256, integer())
    """Channels of each map of the pyramid."""
    norm: str = setting(
        "MODEL.FPN.NORM",
        "",
        FOLDABLE_NORM,
    )
    fuse_type: str = setting("MODEL.FPN.FUSE_TYPE", "sum", one_of("sum", "avg"))
    """How a map and the coarser one above it are put together."""

    def __post_init__(self) -> None:
        there = self.bottom_up.out_features
        if not set(self.in_features) <= set(there):
            raise ValueError(
                f"MODEL.FPN.IN_FEATURES is {list(self.in_features)}; supported: maps in "
                f"MODEL.RESNETS.OUT_FEATURES, which are {', '.join(there)}"
            )
        if self.levels != list(range(self.levels[0], 6)):
            raise ValueError(
                f"MODEL.FPN.IN_FEATURES is {list(self.in_features)}; supported: maps of which each "
                "follows the one before it, up to res5 (of which p5 and p6 are made)"
            )
        if self.bottom_up.res5_dilation > 1:
            raise ValueError(
                "MODEL.RESNETS.RES5_DILATION is 2; supported: 1 (in a pyramid each map has half "
                "the rows and columns of the one below it)"
            )

    size_divisibility = 32
    """A picture alone is padded to multiples of it, in pixels: the stride of res5."""

    @property
    def levels(self) -> list[int]:
        """Logarithms of the strides of the ResNet's maps."""
        return [int(name.removeprefix("res")) for name in self.in_features]

    @property
    def title(self) -> str:
        """Such as R50-FPN."""
        return f"{self.bottom_up.title}-FPN"

    def output_shape(self) -> dict[str, FeatureShape]:
        """The maps of the pyramid, by name, the finest first."""
        return {
            f"p{level}": FeatureShape(self.out_channels, stride=2**level)
            for level in (*self.levels, 6)
        }

    def build(self, precision: Precision) -> FPN:
        """The module."""
        return FPN(self, precision)


class FPN(Module):
    """The ResNet's maps, brought to one number of channels and enriched from above."""

    def __init__(self, settings: FPNSettings, precision: Precision) -> None:
        super().__init__()
        self.settings = settings
        self.dtype = precision.dtype
        self.bottom_up: ResNet = settings.bottom_up.build(precision)
        channels, norm = settings.out_channels, bool(settings.norm)
        below = settings.bottom_up.output_shape()
        for level in settings.levels:
            lateral = Conv2d(below[f"res{level}"].channels, channels, 1, self.dtype, norm=norm)
            output = Conv2d(channels, channels, 3, self.dtype, padding=1, norm=norm)
            setattr(self, f"fpn_lateral{level}", lateral)
            setattr(self, f"fpn_output{level}", output)

    def forward(self, op: Any, canvas: Canvas) -> dict[str, FeatureMap]:
        """The maps of `FPNSettings.output_shape`."""
        bottom_up = self.bottom_up(op, canvas)
        shapes = self.settings.output_shape()
        maps: dict[str, FeatureMap] = {}
        above: ir.Value | None = None
        for level in reversed(self.settings.levels):
            below = bottom_up[f"res{level}"]
            x = getattr(self, f"fpn_lateral{level}")(op, below.value)
            if above is not None:
                x = op.Add(x, _twice_as_large(op, above))
                if self.settings.fuse_type == "avg":
                    x = op.Mul(x, op.Cast(0.5, to=self.dtype))
            above = x
            valid = op.Cast(below.grid.cells, to=self.dtype)
            out = getattr(self, f"fpn_output{level}")(op, op.Mul(x, valid))
            maps[f"p{level}"] = FeatureMap(out, shapes[f"p{level}"], below.grid)
        top = op.Slice(maps["p5"].value, [0, 0], [2**31, 2**31], [2, 3], [2, 2])
        maps["p6"] = FeatureMap(top, shapes["p6"], canvas.grid(op, shapes["p6"].stride))
        return {name: maps[name] for name in shapes}


def _twice_as_large(op: Any, x: ir.Value) -> ir.Value:
    """Each cell four times."""
    return op.Resize(
        x,
        None,
        [1.0, 1.0, 2.0, 2.0],
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
