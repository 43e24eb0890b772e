"""ResNet and ResNeXt of bottleneck blocks: detectron2's `build_resnet_backbone`.

A block looks at neighbours in one place only, its 3×3 convolution: padding is masked just there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import onnx_ir as ir
from onnxscript.nn import Module, ModuleList

from builder.config.rules import boolean, exactly, integer, one_of, some_of
from builder.config.settings import group, setting
from builder.network.feature_map import Canvas, FeatureMap, FeatureShape
from builder.network.layers import Conv2d
from builder.network.precision import Precision

BLOCKS_PER_STAGE = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
"""Bottleneck blocks of res2, res3, res4, res5 by ResNet depth (He et al. 2015, table 1)."""


@dataclass(frozen=True)
class BottleneckSettings:
    """What the bottleneck blocks are like, in the backbone and wherever else there are some."""

    num_groups: int = setting("MODEL.RESNETS.NUM_GROUPS", 1, integer())
    """Groups of the 3×3 convolutions: more than 1 in a ResNeXt."""
    width_per_group: int = setting("MODEL.RESNETS.WIDTH_PER_GROUP", 64, integer())
    """Bottleneck channels of a group in res2; each later stage doubles them."""
    res2_out_channels: int = setting("MODEL.RESNETS.RES2_OUT_CHANNELS", 256, integer())
    """Channels after res2; each later stage doubles them."""
    stride_in_1x1: bool = setting("MODEL.RESNETS.STRIDE_IN_1X1", True, boolean())
    """Whether a stage's stride is in the first 1×1 convolution or in the 3×3 after it."""
    norm: str = setting(
        "MODEL.RESNETS.NORM",
        "FrozenBN",
        exactly(
            "FrozenBN",
            "BN",
            "SyncBN",
            because="these are the same at inference and fold into the convolutions; GN's "
            "statistics are each picture's own",
        ),
    )

    def stage_channels(self, stage: int) -> tuple[int, int]:
        """Bottleneck and output channels of res`stage`."""
        factor = 2 ** (stage - 2)
        return self.num_groups * self.width_per_group * factor, self.res2_out_channels * factor


@dataclass(frozen=True)
class ResNetSettings:
    """Those of `build_resnet_backbone`."""

    depth: int = setting("MODEL.RESNETS.DEPTH", 50, one_of(50, 101, 152))
    """Layers of the ResNet, which fix the blocks of each stage."""
    stem_out_channels: int = setting("MODEL.RESNETS.STEM_OUT_CHANNELS", 64, integer())
    blocks: BottleneckSettings = group(BottleneckSettings)
    out_features: tuple[str, ...] = setting(
        "MODEL.RESNETS.OUT_FEATURES", ("res4",), some_of("res2", "res3", "res4", "res5")
    )
    """The maps that the backbone hands on."""
    res5_dilation: int = setting("MODEL.RESNETS.RES5_DILATION", 1, one_of(1, 2))
    """2: res5 keeps the stride of res4, and its 3×3 convolutions look two cells far (DC5)."""
    deform_on_per_stage: tuple[bool, ...] = setting(
        "MODEL.RESNETS.DEFORM_ON_PER_STAGE",
        (False,) * 4,
        exactly((False,) * 4, because="deformable convolutions are not built"),
    )

    size_divisibility = 1
    """A picture alone is padded to multiples of it, in pixels: not at all."""

    @property
    def title(self) -> str:
        """Such as R50, X101-32x8d or R50-DC5."""
        groups, width = self.blocks.num_groups, self.blocks.width_per_group
        name = f"R{self.depth}" if groups == 1 else f"X{self.depth}-{groups}x{width}d"
        dilated = self.res5_dilation > 1 and "res5" in self.out_features
        return f"{name}-DC5" if dilated else name

    def stage_shapes(self) -> dict[str, FeatureShape]:
        """The maps after the stages, by name, as far as one of them is handed on."""
        last = int(self.out_features[-1].removeprefix("res"))
        strides = {2: 4, 3: 8, 4: 16, 5: 32 // self.res5_dilation}
        return {
            f"res{stage}": FeatureShape(self.blocks.stage_channels(stage)[1], strides[stage])
            for stage in range(2, last + 1)
        }

    def output_shape(self) -> dict[str, FeatureShape]:
        """The maps that the backbone hands on, by name, the finest first."""
        shapes = self.stage_shapes()
        return {name: shapes[name] for name in self.out_features}

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
        *,
        stride: int = 1,
        stride_in_1x1: bool = True,
        groups: int = 1,
        dilation: int = 1,
    ) -> None:
        super().__init__()
        stride_1x1, self.stride_3x3 = (stride, 1) if stride_in_1x1 else (1, stride)
        self.projects = in_channels != out_channels
        if self.projects:
            self.shortcut = Conv2d(in_channels, out_channels, 1, dtype, stride, norm=True)
        self.conv1 = Conv2d(in_channels, bottleneck_channels, 1, dtype, stride_1x1, norm=True)
        self.conv2 = Conv2d(
            bottleneck_channels,
            bottleneck_channels,
            3,
            dtype,
            self.stride_3x3,
            padding=dilation,
            groups=groups,
            dilation=dilation,
            norm=True,
        )
        self.conv3 = Conv2d(bottleneck_channels, out_channels, 1, dtype, norm=True)

    def forward(self, op: Any, x: ir.Value, valid: ir.Value | None = None) -> ir.Value:
        """`valid` [N, 1, H', W'] is 1 where the 3×3 convolution may look; None: everywhere."""
        out = op.Relu(self.conv1(op, x))
        if valid is not None:
            out = op.Mul(out, valid)
        out = op.Relu(self.conv2(op, out))
        out = self.conv3(op, out)
        return op.Relu(op.Add(out, self.shortcut(op, x) if self.projects else x))


def residual_stage(
    blocks: int,
    in_channels: int,
    channels: tuple[int, int],
    dtype: ir.DataType,
    *,
    first_stride: int,
    stride_in_1x1: bool = True,
    groups: int = 1,
    dilation: int = 1,
) -> ModuleList:
    """A ResNet stage; only its first block has a stride and a change of channels.

    Args:
        channels: in the bottleneck, and after the stage.
    """
    return ModuleList(
        [
            BottleneckBlock(
                channels[1] if number else in_channels,
                *channels,
                dtype,
                stride=1 if number else first_stride,
                stride_in_1x1=stride_in_1x1,
                groups=groups,
                dilation=dilation,
            )
            for number in range(blocks)
        ]
    )


class ResNet(Module):
    """Stem and stages, as far as a map of them is handed on."""

    def __init__(self, settings: ResNetSettings, precision: Precision) -> None:
        super().__init__()
        self.settings = settings
        self.dtype = precision.dtype
        self.stem = BasicStem(settings.stem_out_channels, self.dtype)
        self.stages = settings.stage_shapes()
        before = FeatureShape(settings.stem_out_channels, stride=4)
        for number, (stage, shape) in enumerate(self.stages.items()):
            blocks = residual_stage(
                BLOCKS_PER_STAGE[settings.depth][number],
                before.channels,
                settings.blocks.stage_channels(number + 2),
                self.dtype,
                first_stride=shape.stride // before.stride,
                stride_in_1x1=settings.blocks.stride_in_1x1,
                groups=settings.blocks.num_groups,
                dilation=settings.res5_dilation if stage == "res5" else 1,
            )
            setattr(self, stage, blocks)
            before = shape

    def forward(self, op: Any, canvas: Canvas) -> dict[str, FeatureMap]:
        """The maps of `ResNetSettings.output_shape`."""
        x = self.stem(op, canvas)
        maps: dict[str, FeatureMap] = {}
        for name, shape in self.stages.items():
            first, *others = getattr(self, name)
            grid = canvas.grid(op, shape.stride)
            valid = op.Cast(grid.cells, to=self.dtype)
            x = first(op, x, valid if first.stride_3x3 == 1 else self._cells_before(op, maps))
            for block in others:
                x = block(op, x, valid)
            maps[name] = FeatureMap(x, shape, grid)
        return {name: maps[name] for name in self.settings.out_features}

    def _cells_before(self, op: Any, maps: dict[str, FeatureMap]) -> ir.Value:
        """The picture's cells in the last of the maps, which a stage's first 3×3 looks at."""
        *_, last = maps.values()
        return op.Cast(last.grid.cells, to=self.dtype)
