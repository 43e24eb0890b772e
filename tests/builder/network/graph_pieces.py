"""Runs pieces of the network, or the exported network with its stages, in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir as ir
import onnxruntime as ort
from onnxscript import GraphBuilder

from builder.network import export

Arrays = dict[str, npt.NDArray[Any]]


def session_of(model: bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    # Others' tests run at the same time: threads that spin for work would take it from them.
    options.intra_op_num_threads = 1
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


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


def all_graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """The graph, and the bodies of its loops."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from all_graphs(attribute.g)


class Stages:
    """An exported network, of which intermediate values are looked at by their names in it."""

    MAPS = ("res4", "res5", "p2", "p3", "p4", "p5", "p6")
    """Of them a network has those that its backbone hands on."""
    PROPOSALS = ("rpn.logits", "proposals.boxes", "proposals.exist")

    def __init__(self, model: onnx.ModelProto) -> None:
        looked_at = onnx.ModelProto()
        looked_at.CopyFrom(model)
        there = {name for node in model.graph.node for name in node.output}
        names = [*self.PROPOSALS, *(name for name in self.MAPS if name in there)]
        looked_at.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
        self._session = session_of(looked_at.SerializeToString())
        self._names = [output.name for output in looked_at.graph.output]

    def __call__(self, canvas: npt.NDArray[np.uint8], sizes: Sequence[tuple[int, int]]) -> Arrays:
        """The outputs and the intermediate values, by name."""
        feeds = {"canvas": canvas, "image_size": np.asarray(sizes, np.int32)}
        return dict(zip(self._names, self._session.run(self._names, feeds), strict=True))
