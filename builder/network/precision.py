"""The number formats that a network can be written in."""

from __future__ import annotations

from dataclasses import dataclass

import onnx_ir as ir


@dataclass(frozen=True)
class Precision:
    """Boxes, scores and sampling weights are fp32 in each of them."""

    dtype: ir.DataType
    """Type of the convolutions and matrix products."""
    int8: bool = False
    """Whether convolutions can be quantized: some then have their product in int8."""


PRECISIONS = {
    "fp32": Precision(ir.DataType.FLOAT),
    "fp16": Precision(ir.DataType.FLOAT16),
    "int8": Precision(ir.DataType.FLOAT16, int8=True),
}
