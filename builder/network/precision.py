"""The number formats that a network can be written in, and for which kind of runtime."""

from __future__ import annotations

from dataclasses import dataclass

import onnx_ir as ir


@dataclass(frozen=True)
class Precision:
    """How a network is written. Boxes, scores and sampling weights are fp32 in each precision."""

    dtype: ir.DataType
    """Type of the convolutions and matrix products."""
    int8: bool = False
    """Whether convolutions can be quantized: some then have their product in int8."""
    static: bool = False
    """Whether each size follows from those of the inputs, as TensorRT-RTX needs it, and nothing
    that is quantized is within a loop. Else less is computed, as ONNX Runtime can do it."""

    @property
    def products_before_pooling(self) -> bool:
        """Whether 1×1 convolutions of pooled maps are taken of the map that is pooled.

        In fp32, which is for CPUs; see `heads/res5_stage.py`.
        """
        return self.dtype == ir.DataType.FLOAT and not self.static

    @property
    def res5_over_maps(self) -> bool:
        """Whether res5 over RoIs is made of convolutions alone; see `heads/res5_stage.py`."""
        return self.int8 or self.products_before_pooling


PRECISIONS = {
    "fp32": Precision(ir.DataType.FLOAT),
    "fp16": Precision(ir.DataType.FLOAT16),
    "int8": Precision(ir.DataType.FLOAT16, int8=True),
}
