"""The network with its weights as an ONNX model."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir as ir
from onnxscript import GraphBuilder

from builder.config import ModelConfig
from builder.network.layers import Conv2d
from builder.network.mask_rcnn import GeneralizedRCNN

OPSET = 19
"""ONNX operator set: the oldest that has all that is used here, so that most runtimes read it."""

IR_VERSION = 9

PRECISIONS = {
    "fp32": ir.DataType.FLOAT,
    "fp16": ir.DataType.FLOAT16,
    "int8": ir.DataType.FLOAT16,
}
"""Type of the convolutions and matrix products; boxes, scores and sampling weights stay fp32.

In an int8 network some of the fp16 layers have their product in int8.
"""


def parameter_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the network's parameters, with BatchNorm folded into weight and bias."""
    shapes = {}
    for name, parameter in GeneralizedRCNN(config, ir.DataType.FLOAT).named_parameters():
        assert parameter.shape is not None
        shapes[name] = tuple(parameter.shape.numpy())
    return shapes


def quantizable_layers(config: ModelConfig) -> tuple[str, ...]:
    """Paths of the layers that can run in int8, e.g. `backbone.res2.0.conv1`."""
    return tuple(_quantizable(GeneralizedRCNN(config, ir.DataType.FLOAT, int8=True)))


def build_model(
    config: ModelConfig,
    weights: Mapping[str, npt.NDArray[np.float32]],
    precision: str = "fp32",
    input_ranges: Mapping[str, float] = MappingProxyType({}),
) -> onnx.ModelProto:
    """The network as ONNX, checked by ONNX's own checker.

    Args:
        config: what to build.
        weights: an array for each name of `parameter_shapes(config)`.
        precision: a key of `PRECISIONS`.
        input_ranges: for int8, by the path of each layer that is to run in it, the greatest
            magnitude of the layer's input; see `builder.quantization`.

    Returns:
        A model with the inputs `canvas` and `image_size` and the outputs of
        `GeneralizedRCNN.forward`; batch N, height H and width W are dynamic.
    """
    dtype = PRECISIONS[precision]
    model = GeneralizedRCNN(config, dtype, int8=precision == "int8")
    layers = _quantizable(model)
    for path, largest in input_ranges.items():
        layers[path].quantize(weights[f"{path}.weight"], largest)
    for name, parameter in model.named_parameters():
        if parameter.const_value is None:
            parameter.const_value = ir.tensor(weights[name].astype(dtype.numpy()), name=name)

    graph = ir.Graph([], [], nodes=[], opset_imports={"": OPSET}, name="mask_rcnn")
    builder = GraphBuilder(graph)
    canvas = builder.input("canvas", ir.DataType.UINT8, ["N", "H", "W", 3])
    image_size = builder.input("image_size", ir.DataType.INT32, ["N", 2])
    detections, side = config.detections_per_image, config.pooler_resolution
    output_types = {
        "num_detections": (ir.DataType.INT32, [1]),
        "boxes": (ir.DataType.FLOAT, [detections, 4]),
        "scores": (ir.DataType.FLOAT, [detections]),
        "classes": (ir.DataType.INT32, [detections]),
        "mask_probs": (ir.DataType.FLOAT, [detections, side, side]),
    }
    for name, value in model(builder.op, canvas, image_size).items():
        element, shape = output_types[name]
        value.type = ir.TensorType(element)
        value.shape = ir.Shape(["N", *shape])
        builder.add_output(value, name)

    proto = ir.to_proto(ir.Model(graph, ir_version=IR_VERSION, producer_name="mask-rcnn-triton"))
    onnx.checker.check_model(proto)
    return proto


def _quantizable(model: GeneralizedRCNN) -> dict[str, Conv2d]:
    return {path: module for path, module in model.named_modules() if isinstance(module, Conv2d)}
