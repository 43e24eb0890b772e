"""The network with its weights as an ONNX model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir as ir
from onnxscript import GraphBuilder

from artifact.manifest import Tensor
from builder.network.config import ModelConfig
from builder.network.layers import Conv2d
from builder.network.precision import PRECISIONS
from builder.network.spec import network_spec

OPSET = 19
"""ONNX operator set: the oldest that has all that is used here, so that most runtimes read it."""

IR_VERSION = 9

DATA_TYPES = {"UINT8": ir.DataType.UINT8, "INT32": ir.DataType.INT32, "FP32": ir.DataType.FLOAT}
"""By the names that Triton has for them."""

DYNAMIC = {"canvas": ("N", "H", "W")}
"""Names of the sizes that a request chooses; of other tensors the batch alone, N."""


def export_onnx(
    config: ModelConfig,
    weights: Mapping[str, npt.NDArray[np.float32]],
    precision: str = "fp32",
    input_ranges: Mapping[str, float] = MappingProxyType({}),
    static: bool = False,
) -> onnx.ModelProto:
    """The network as ONNX, checked by ONNX's own checker.

    Feature maps and proposals keep the names that the parts give them, such as res4 and
    proposals.boxes, so that they can be looked at.

    Args:
        config: what to build.
        weights: an array for each name of `NetworkSpec.parameters`.
        precision: a key of `PRECISIONS`.
        input_ranges: for int8, by the path of each layer that is to run in it, the greatest
            magnitude of the layer's input; see `builder.quantization`.
        static: whether each size is to follow from those of the inputs, as TensorRT needs it.

    Returns:
        A model with the inputs and outputs of `NetworkSpec`; batch N, height H and width W are
        dynamic.
    """
    spec = network_spec(config)
    form = dataclasses.replace(PRECISIONS[precision], static=static)
    model = config.model.build(form)
    layers = dict(model.named_modules())
    for path, largest in input_ranges.items():
        layer = layers[path]
        assert isinstance(layer, Conv2d)
        layer.quantize(weights[f"{path}.weight"], largest)
    graph = ir.Graph([], [], nodes=[], opset_imports={"": OPSET}, name="generalized_rcnn")
    builder = GraphBuilder(graph)
    for name, parameter in model.named_parameters():
        if parameter.const_value is None:
            parameter.const_value = ir.tensor(weights[name].astype(form.dtype.numpy()), name=name)
        # Before it is called: within a loop, a module would give it the loop's name alone.
        parameter.name = name
        parameter._realize(builder)
    inputs = [
        builder.input(tensor.name, DATA_TYPES[tensor.data_type], _shape(tensor))
        for tensor in spec.inputs
    ]
    found = model(builder.op, *inputs)
    for tensor in spec.outputs:
        value = found[tensor.name]
        value.type = ir.TensorType(DATA_TYPES[tensor.data_type])
        value.shape = ir.Shape(_shape(tensor))
        builder.add_output(value, tensor.name)

    _move_into_loops(graph)
    proto = ir.to_proto(ir.Model(graph, ir_version=IR_VERSION, producer_name="mask-rcnn-triton"))
    onnx.checker.check_model(proto)
    return proto


def _move_into_loops(graph: ir.Graph) -> None:
    """Gives the body of a loop the weights that are used nowhere else.

    ONNX Runtime takes a convolution for one of constant weights, which it lays out anew, only where
    they are in the same graph.
    """
    for name, weight in list(graph.initializers.items()):
        body, *others = {use.node.graph for use in weight.uses()}
        if isinstance(body, ir.Graph) and body is not graph and not others:
            del graph.initializers[name]
            body.register_initializer(weight)


def _shape(tensor: Tensor) -> list[int | str]:
    names = iter(DYNAMIC.get(tensor.name, ("N",)))
    return [next(names) if size == -1 else size for size in tensor.shape]
