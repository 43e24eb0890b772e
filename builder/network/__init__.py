"""The network, written once: detectron2's Mask R-CNN C4 as an ONNX graph of plain operators.

It reads like the PyTorch model and its parameters carry detectron2's names. A picture passes
through the files in this order: `mask_rcnn` (normalize), `backbone`, `proposal_generator` (with
`anchors`, `box_regression`, `top_k`, `nms`), `roi_align`, `roi_heads`; `padding` keeps the canvas
out of the answer. `layers` are what they are made of, `int8` what a layer is in an int8 network.
"""

from builder.network.export import (
    PRECISIONS,
    build_model,
    parameter_shapes,
    quantizable_layers,
)

__all__ = ["PRECISIONS", "build_model", "parameter_shapes", "quantizable_layers"]
