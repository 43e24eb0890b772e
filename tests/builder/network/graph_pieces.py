"""Runs pieces of the network, or all its stages, in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir
import onnxruntime as ort
from onnxscript import GraphBuilder

from builder.config import ModelConfig
from builder.network import export
from builder.network.mask_rcnn import GeneralizedRCNN

Arrays = dict[str, npt.NDArray[Any]]


def session_of(model: bytes) -> ort.InferenceSession:
    return ort.InferenceSession(model, providers=["CPUExecutionProvider"])


def run_graph(
    trace: Callable[..., Sequence[ir.Value]], *arrays: npt.NDArray[Any]
) -> list[npt.NDArray[Any]]:
    """Traces `trace(op, *values)` with dynamic shapes and runs it on the arrays."""
    graph = ir.Graph([], [], nodes=[], opset_imports={"": export.OPSET}, name="piece")
    builder = GraphBuilder(graph)
    values = [
        builder.input(
            f"input_{i}",
            ir.DataType.from_numpy(a.dtype),
            [f"d{i}_{axis}" for axis in range(a.ndim)],
        )
        for i, a in enumerate(arrays)
    ]
    for i, output in enumerate(trace(builder.op, *values)):
        builder.add_output(output, f"output_{i}")
    proto = ir.to_proto(ir.Model(graph, ir_version=export.IR_VERSION))
    feeds = {f"input_{i}": a for i, a in enumerate(arrays)}
    return session_of(proto.SerializeToString()).run(None, feeds)


class Stages:
    """The network with its intermediate results as outputs as well."""

    NAMES = (
        "features", "proposal_boxes", "proposal_logits", "proposal_exists",
        "num_detections", "boxes", "scores", "classes", "mask_probs",
    )  # fmt: skip

    def __init__(self, config: ModelConfig, weights: Arrays) -> None:
        model = GeneralizedRCNN(config, ir.DataType.FLOAT)
        for name, parameter in model.named_parameters():
            parameter.const_value = ir.tensor(weights[name])
        graph = ir.Graph([], [], nodes=[], opset_imports={"": export.OPSET}, name="stages")
        builder = GraphBuilder(graph)
        canvas = builder.input("canvas", ir.DataType.UINT8, ["N", "H", "W", 3])
        image_size = builder.input("image_size", ir.DataType.INT32, ["N", 2])
        op = builder.op
        size = op.Cast(image_size, to=ir.DataType.FLOAT)
        pixels = model.normalize(op, canvas, size)
        features, cells = model.backbone(op, pixels, size)
        proposals = model.proposal_generator(op, features, cells, size)
        detections, masks = model.roi_heads(op, features, proposals, size)
        for name, value in zip(self.NAMES, [features, *proposals, *detections, masks], strict=True):
            builder.add_output(value, name)
        proto = ir.to_proto(ir.Model(graph, ir_version=export.IR_VERSION))
        self._session = session_of(proto.SerializeToString())

    def __call__(self, canvas: npt.NDArray[np.uint8], sizes: Sequence[tuple[int, int]]) -> Arrays:
        feeds = {"canvas": canvas, "image_size": np.asarray(sizes, np.int32)}
        return dict(zip(self.NAMES, self._session.run(None, feeds), strict=True))
