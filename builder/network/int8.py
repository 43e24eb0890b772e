"""Matrix products in int8: quantize/dequantize pairs (Q/DQ) around a layer's input and weight.

A runtime that has int8 kernels takes each product with its pairs as one layer; any other computes
the same values in fp16. Quantization is symmetric, q = round(x / scale) in −127…127, with one
scale for the input (per tensor) and one for each output channel of the weight, as TensorRT has it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir
from onnxscript.nn import Module, Parameter

LEVELS = 127
"""Largest quantized value; −128 stays unused, so that the range is symmetric."""

SCALE_DTYPE = ir.DataType.FLOAT16
"""Of the scales, and so of what is quantized and what comes out of the dequantization."""


class QuantizableLayer(Module):
    """A layer with a weight [out_channels, …] whose product with the input can run in int8."""

    weight: Parameter
    quantized = False

    def quantize(self) -> None:
        """Makes the weight INT8, and adds parameters for its scales and for the input's."""
        assert self.weight.shape is not None
        shape = self.weight_shape_in_int8(self.weight.shape.numpy())
        self.weight = Parameter(shape, ir.DataType.INT8)
        self.weight_scale = Parameter(shape[:1], SCALE_DTYPE)
        self.input_scale = Parameter([], SCALE_DTYPE)
        self.quantized = True

    def weight_shape_in_int8(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape in which a quantized weight is stored.

        It is that of the product's operand, so that nothing stands between the constant and the
        product but the dequantization: runtimes look for int8 kernels by that pattern.
        """
        return shape

    def quantized_operands(self, op: Any, x: ir.Value) -> tuple[ir.Value, ir.Value]:
        """The input and the weight after their Q/DQ pairs; the weight's Q was done beforehand."""
        zero = op.Constant(value=ir.tensor(np.int8(0)))
        x = op.QuantizeLinear(x, self.input_scale, zero)
        x = op.DequantizeLinear(x, self.input_scale, zero)
        return x, op.DequantizeLinear(self.weight, self.weight_scale, axis=0)


def scales(largest: npt.ArrayLike) -> npt.NDArray[np.float16]:
    """Steps between neighbouring int8 values, so that the last one is at `largest`.

    Args:
        largest: magnitudes that are to be represented, not negative.

    Returns:
        FP16 of the same shape, positive: where `largest` is 0, any scale will do.
    """
    smallest = np.finfo(np.float16).smallest_subnormal
    return np.maximum(np.asarray(largest, np.float32) / LEVELS, smallest).astype(np.float16)


def quantize_weight(
    weight: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float16]]:
    """A weight [out_channels, …] in int8, and the scale of each channel FP16 [out_channels].

    An element comes back from dequantization with an error of at most half its channel's scale.
    """
    rows = weight.reshape(len(weight), -1)
    scale = scales(np.abs(rows).max(axis=1))
    steps = np.rint(rows / scale.astype(np.float32)[:, None])
    quantized = np.clip(steps, -LEVELS, LEVELS).astype(np.int8)
    return quantized.reshape(weight.shape), scale
