"""Convolutions and linear layers whose parameters carry detectron2's names.

A layer computes in the type of its parameters: fp32, or fp16 for a half-precision network, where a
layer that is quantized has its product in int8 (`int8.py`). It is a weight and a bias, also where
detectron2 has a BatchNorm behind it: then `norm` says so, and whoever reads the weights folds the
BatchNorm into them (`builder.weights`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir
from onnxscript.nn import Module, Parameter

from builder.network.int8 import constant, quantize_weight, scales


class Conv2d(Module):
    """`torch.nn.Conv2d` with a bias: (N, in_channels, H, W) → (N, out_channels, H', W')."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        dtype: ir.DataType,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        dilation: int = 1,
        norm: bool = False,
        stays_fp16: bool = False,
    ) -> None:
        """
        Args:
            norm: a BatchNorm follows, which is folded into weight and bias.
            stays_fp16: not quantized in an int8 network, unless asked to: it would gain little
                there, or lose accuracy.
        """
        super().__init__()
        self.norm = norm
        self.stays_fp16 = stays_fp16
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.groups = groups
        self.dilation = dilation
        self.quantized = False
        self.weight = Parameter(
            [out_channels, in_channels // groups, kernel_size, kernel_size], dtype
        )
        self.bias = Parameter([out_channels], dtype)

    def quantize(self, weight: npt.NDArray[np.float32], largest_input: float) -> None:
        """From now on input and weight are in int8; for a layer of an fp16 network.

        Args:
            weight: [out_channels, in_channels / groups, kernel_size, kernel_size].
            largest_input: greatest magnitude in the input that int8 has to reach.
        """
        int8_weight, weight_scale = quantize_weight(weight)
        self.weight = constant(int8_weight)
        self.weight_scale = constant(weight_scale)
        self.input_scale = constant(scales(largest_input))
        self.input_zero_point = constant(np.zeros((), np.int8))
        self.quantized = True

    def forward(self, op: Any, x: ir.Value) -> ir.Value:
        weight = self.weight
        if self.quantized:
            x = op.QuantizeLinear(x, self.input_scale, self.input_zero_point)
            x = op.DequantizeLinear(x, self.input_scale, self.input_zero_point)
            weight = op.DequantizeLinear(weight, self.weight_scale, axis=0)
        return op.Conv(
            x,
            weight,
            self.bias,
            kernel_shape=[self.kernel_size] * 2,
            strides=[self.stride] * 2,
            pads=[self.padding] * 4,
            group=self.groups,
            dilations=[self.dilation] * 2,
        )


class PointwiseConv2d(Module):
    """A 1×1 convolution of channels-last rows as one matrix product: (rows, in) → (rows, out)."""

    def __init__(
        self, in_channels: int, out_channels: int, dtype: ir.DataType, norm: bool = False
    ) -> None:
        super().__init__()
        self.norm = norm
        self.in_channels = in_channels
        self.weight = Parameter([out_channels, in_channels, 1, 1], dtype)
        self.bias = Parameter([out_channels], dtype)

    def forward(self, op: Any, x: ir.Value) -> ir.Value:
        weight = op.Reshape(self.weight, [-1, self.in_channels])
        return op.Gemm(x, weight, self.bias, transB=1)


class PointwiseConvTranspose2d(Module):
    """A transposed convolution of kernel 2 and stride 2 on channels-last rows.

    Its windows do not overlap, so each input cell makes its own 2×2 output cells, and the whole is
    one matrix product: (rows, in) → (rows, 2, 2, out).
    """

    def __init__(self, in_channels: int, out_channels: int, dtype: ir.DataType) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.weight = Parameter([in_channels, out_channels, 2, 2], dtype)
        self.bias = Parameter([out_channels], dtype)

    def forward(self, op: Any, x: ir.Value) -> ir.Value:
        weight = op.Reshape(op.Transpose(self.weight, perm=[0, 2, 3, 1]), [0, -1])
        out = op.Gemm(x, weight, op.Concat(*[self.bias] * 4, axis=0))
        return op.Reshape(out, [-1, 2, 2, self.out_channels])


class ConvTranspose2d(Module):
    """`torch.nn.ConvTranspose2d`: (N, in_channels, H, W) → (N, out_channels, H', W')."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        dtype: ir.DataType,
        stride: int,
        padding: int,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.weight = Parameter([in_channels, out_channels, kernel_size, kernel_size], dtype)
        self.bias = Parameter([out_channels], dtype)

    def forward(self, op: Any, x: ir.Value) -> ir.Value:
        return op.ConvTranspose(
            x,
            self.weight,
            self.bias,
            kernel_shape=[self.kernel_size] * 2,
            strides=[self.stride] * 2,
            pads=[self.padding] * 4,
        )


class Linear(Module):
    """`torch.nn.Linear`: (rows, in_features) → (rows, out_features)."""

    def __init__(self, in_features: int, out_features: int, dtype: ir.DataType) -> None:
        super().__init__()
        self.weight = Parameter([out_features, in_features], dtype)
        self.bias = Parameter([out_features], dtype)

    def forward(self, op: Any, x: ir.Value) -> ir.Value:
        return op.Gemm(x, self.weight, self.bias, transB=1)
