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

from builder.config.rules import exactly, integer, one_of, some_of
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
        exactly("", "FrozenBN", "BN", "SyncBN", because="others do not fold into the convolutions"),
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
        levels = [int(name.removeprefix("res")) for name in self.in_features]
        if levels != list(range(levels[0], levels[-1] + 1)):
            raise ValueError(
                f"MODEL.FPN.IN_FEATURES is {list(self.in_features)}; supported: maps of which each "
                "follows the one before it"
            )
        if self.bottom_up.res5_dilation > 1:
            raise ValueError(
                "MODEL.RESNETS.RES5_DILATION is 2; supported: 1 (in a pyramid each map has half "
                "the rows and columns of the one below it)"
            )

    @property
    def size_divisibility(self) -> int:
        """A picture alone is padded to multiples of it, in pixels."""
        return 2 ** int(self.in_features[-1].removeprefix("res"))

    @property
    def title(self) -> str:
        """Such as R50-FPN."""
        return f"{self.bottom_up.title}-FPN"

    def output_names(self) -> tuple[str, ...]:
        """The maps of the pyramid, the finest first."""
        levels = [int(name.removeprefix("res")) for name in self.in_features]
        return tuple(f"p{level}" for level in (*levels, levels[-1] + 1))

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
        self.levels = {}
        for name in settings.in_features:
            shape = self.bottom_up.output_shape()[name]
            level = int(name.removeprefix("res"))
            lateral = Conv2d(shape.channels, channels, 1, self.dtype, norm=norm)
            output = Conv2d(channels, channels, 3, self.dtype, padding=1, norm=norm)
            setattr(self, f"fpn_lateral{level}", lateral)
            setattr(self, f"fpn_output{level}", output)
            self.levels[level] = FeatureShape(channels, shape.stride)

    def output_shape(self) -> dict[str, FeatureShape]:
        """The maps of the pyramid, by name, the finest first."""
        shapes = {f"p{level}": shape for level, shape in self.levels.items()}
        coarsest, last = max(self.levels.items())
        return shapes | {f"p{coarsest + 1}": FeatureShape(last.channels, 2 * last.stride)}

    def forward(self, op: Any, canvas: Canvas) -> dict[str, FeatureMap]:
        """The maps of `output_shape`."""
        bottom_up = self.bottom_up(op, canvas)
        shapes = self.output_shape()
        maps: dict[str, FeatureMap] = {}
        above: ir.Value | None = None
        for level in sorted(self.levels, reverse=True):
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
        coarsest = max(self.levels)
        top = op.Slice(maps[f"p{coarsest}"].value, [0, 0], [2**31, 2**31], [2, 3], [2, 2])
        shape = shapes[f"p{coarsest + 1}"]
        maps[f"p{coarsest + 1}"] = FeatureMap(top, shape, canvas.grid(op, shape.stride))
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
