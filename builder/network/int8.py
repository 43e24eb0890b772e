"""Symmetric int8: q = round(x / scale) from -127 to 127.

A quantized convolution has a quantize/dequantize pair (Q/DQ) before its input, with one scale (per
tensor), and its weight in int8 before a DQ, with a scale for each output channel: what TensorRT
takes as one int8 kernel, and any other runtime computes in fp16 with the same rounding.

ONNX Runtime has to be told to do just that (`session.disable_quant_qdq`): else it rounds biases to
multiples of the product of two scales, in fp16, where the quotient overflows. Measured with 1.31
on the demo model, that costs 1 AP.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir
from onnxscript.nn import Parameter

FP16_MAX = float(np.finfo(np.float16).max)
"""What surrounds the int8 layers ends here."""

LARGEST = 127
"""-128 stays unused, so that the range is symmetric."""


def scales(largest: npt.ArrayLike) -> npt.NDArray[np.float16]:
    """Steps between neighbouring int8 values, so that the last one is at `largest`.

    Args:
        largest: magnitudes to be reached, not negative.

    Returns:
        FP16 of the same shape, rounded up, so that nothing is cut off, and positive: where
        `largest` is 0 any scale will do.
    """
    exact = np.divide(largest, LARGEST, dtype=np.float64)
    rounded = np.maximum(exact, np.finfo(np.float16).smallest_subnormal).astype(np.float16)
    return np.where(rounded < exact, np.nextafter(rounded, np.float16(np.inf)), rounded)


def quantize_weight(
    weight: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float16]]:
    """A weight [out_channels, …] in int8, and the scale of each channel FP16 [out_channels].

    An element comes back from dequantization with an error of at most half its channel's scale.
    """
    rows = weight.reshape(len(weight), -1)
    scale = scales(np.abs(rows).max(axis=1))
    int8 = np.rint(rows / scale.astype(np.float32)[:, None]).astype(np.int8)
    return int8.reshape(weight.shape), scale


def constant(value: npt.NDArray[Any]) -> Parameter:
    """A parameter that has its value."""
    return Parameter(value.shape, data=ir.tensor(value))
