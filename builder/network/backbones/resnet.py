"""ResNet of bottleneck blocks: detectron2's `build_resnet_backbone`.

The stride of a stage is in its first block's 1×1 convolution and shortcut (STRIDE_IN_1X1), so a
block looks at neighbours in one place only, its 3×3 convolution, and padding is masked just there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import onnx_ir as ir
from onnxscript.nn import Module, ModuleList

from builder.config.rules import exactly, integer, one_of
from builder.config.settings import group, setting
from builder.network.feature_map import Canvas, FeatureMap, FeatureShape
from builder.network.layers import Conv2d
from builder.network.precision import Precision

BLOCKS_PER_STAGE = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
"""Bottleneck blocks of res2, res3, res4, res5 by ResNet depth (He et al. 2015, table 1)."""


@dataclass(frozen=True)
class BottleneckSettings:
    """What the bottleneck blocks are like, in the backbone and wherever else there are some."""

    num_groups: int = setting(
        "MODEL.RESNETS.NUM_GROUPS",
        1,
        exactly(1, because="grouped convolutions (ResNeXt) are not built"),
    )
    width_per_group: int = setting("MODEL.RESNETS.WIDTH_PER_GROUP", 64, integer())
    """Bottleneck channels of res2; each later stage doubles them."""
    res2_out_channels: int = setting("MODEL.RESNETS.RES2_OUT_CHANNELS", 256, integer())
    """Channels after res2; each later stage doubles them."""
    stride_in_1x1: bool = setting(
        "MODEL.RESNETS.STRIDE_IN_1X1",
        True,
        exactly(
            True,
            because="the stride is built into the 1x1 convolution, and pooling relies on it",
        ),
    )
    norm: str = setting(
        "MODEL.RESNETS.NORM",
        "FrozenBN",
        exactly(
            "FrozenBN",
            "BN",
            "SyncBN",
            because="these are the same at inference and fold into the convolutions; others do not",
        ),
    )

    def stage_channels(self, stage: int) -> tuple[int, int]:
        """Bottleneck and output channels of res`stage`."""
        factor = 2 ** (stage - 2)
        return self.width_per_group * factor, self.res2_out_channels * factor


@dataclass(frozen=True)
class ResNetSettings:
    """Those of `build_resnet_backbone`."""

    depth: int = setting("MODEL.RESNETS.DEPTH", 50, one_of(50, 101, 152))
    """Layers of the ResNet, which fix the blocks of each stage."""
    stem_out_channels: int = setting("MODEL.RESNETS.STEM_OUT_CHANNELS", 64, integer())
    blocks: BottleneckSettings = group(BottleneckSettings)
    out_features: tuple[str, ...] = setting(
        "MODEL.RESNETS.OUT_FEATURES",
        ("res4",),
        exactly(("res4",), because="a backbone that hands on other maps is not built"),
    )
    """The maps that the backbone hands on."""
    res5_dilation: int = setting(
        "MODEL.RESNETS.RES5_DILATION",
        1,
        exactly(1, because="a dilated res5 (DC5) is not built"),
    )
    deform_on_per_stage: tuple[bool, ...] = setting(
        "MODEL.RESNETS.DEFORM_ON_PER_STAGE",
        (False,) * 4,
        exactly((False,) * 4, because="deformable convolutions are not built"),
    )

    size_divisibility = 1
    """A picture alone is padded to multiples of it, in pixels: not at all."""

    @property
    def title(self) -> str:
        """Such as R50."""
        return f"R{self.depth}"

    def build(self, precision: Precision) -> ResNet:
        """The module."""
        return ResNet(self, precision)


class BasicStem(Module):
    """7×7/2 convolution, ReLU, 3×3/2 max-pool: stride 4."""

    def __init__(self, out_channels: int, dtype: ir.DataType) -> None:
        super().__init__()
        self.dtype = dtype
        # Three channels, where int8 kernels take 32 at a time.
        self.conv1 = Conv2d(
            3, out_channels, 7, dtype, stride=2, padding=3, norm=True, stays_fp16=True
        )

    def forward(self, op: Any, canvas: Canvas) -> ir.Value:
        x = op.Relu(self.conv1(op, canvas.pixels))
        x = op.Mul(x, op.Cast(canvas.grid(op, stride=2).cells, to=self.dtype))
        return op.MaxPool(x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])


class BottleneckBlock(Module):
    """1×1 → 3×3 → 1×1 convolutions beside a shortcut, which is a 1×1 where the shape changes."""

    def __init__(
        self,
        in_channels: int,
        bottleneck_channels: int,
        out_channels: int,
        dtype: ir.DataType,
        stride: int = 1,
    ) -> None:
        super().__init__()
        self.projects = in_channels != out_channels
        if self.projects:
            self.shortcut = Conv2d(in_channels, out_channels, 1, dtype, stride, norm=True)
        self.conv1 = Conv2d(in_channels, bottleneck_channels, 1, dtype, stride, norm=True)
        self.conv2 = Conv2d(
            bottleneck_channels, bottleneck_channels, 3, dtype, padding=1, norm=True
        )
        self.conv3 = Conv2d(bottleneck_channels, out_channels, 1, dtype, norm=True)

    def forward(self, op: Any, x: ir.Value, valid: ir.Value | None = None) -> ir.Value:
        """`valid` [N, 1, H', W'] is 1 inside the picture, 0 in its padding; None: no padding."""
        out = op.Relu(self.conv1(op, x))
        if valid is not None:
            out = op.Mul(out, valid)
        out = op.Relu(self.conv2(op, out))
        out = self.conv3(op, out)
        return op.Relu(op.Add(out, self.shortcut(op, x) if self.projects else x))


def residual_stage(
    blocks: int,
    in_channels: int,
    bottleneck_channels: int,
    out_channels: int,
    dtype: ir.DataType,
    first_stride: int,
) -> ModuleList:
    """A ResNet stage; only its first block has a stride and a change of channels."""
    first = BottleneckBlock(in_channels, bottleneck_channels, out_channels, dtype, first_stride)
    rest = [
        BottleneckBlock(out_channels, bottleneck_channels, out_channels, dtype)
        for _ in range(blocks - 1)
    ]
    return ModuleList([first, *rest])


class ResNet(Module):
    """Stem and stages, as far as a map of them is handed on."""

    def __init__(self, settings: ResNetSettings, precision: Precision) -> None:
        super().__init__()
        self.settings = settings
        self.dtype = precision.dtype
        self.stem = BasicStem(settings.stem_out_channels, self.dtype)
        self.stages = {}
        shape = FeatureShape(settings.stem_out_channels, stride=4)
        last = max(int(name.removeprefix("res")) for name in settings.out_features)
        for stage in range(2, last + 1):
            bottleneck, out = settings.blocks.stage_channels(stage)
            stride = 1 if stage == 2 else 2
            blocks = residual_stage(
                BLOCKS_PER_STAGE[settings.depth][stage - 2],
                shape.channels,
                bottleneck,
                out,
                self.dtype,
                stride,
            )
            shape = FeatureShape(out, shape.stride * stride)
            setattr(self, f"res{stage}", blocks)
            self.stages[f"res{stage}"] = shape

    def output_shape(self) -> dict[str, FeatureShape]:
        """The maps that are handed on, by name."""
        return {name: self.stages[name] for name in self.settings.out_features}

    def forward(self, op: Any, canvas: Canvas) -> dict[str, FeatureMap]:
        """The maps of `output_shape`."""
        x = self.stem(op, canvas)
        maps = {}
        for name, shape in self.stages.items():
            grid = canvas.grid(op, shape.stride)
            valid = op.Cast(grid.cells, to=self.dtype)
            for block in getattr(self, name):
                x = block(op, x, valid)
            maps[name] = FeatureMap(x, shape, grid)
        return {name: maps[name] for name in self.settings.out_features}
