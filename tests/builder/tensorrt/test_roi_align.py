"""Networks with ONNX's RoiAlign: TensorRT-RTX asks the GPU for it, and compiles all the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from artifact.gpu import visible_gpus
from builder.errors import BuildError
from builder.network import export_onnx
from builder.repository.canvases import canvases
from builder.tensorrt import PlanBuilder, PlanOptions
from builder.tensorrt.bindings import Bindings
from tests.builder.network.graph_pieces import all_graphs
from tests.builder.network.trained_models import TRAINED_MODELS, load_model
from tests.builder.network.variants.table import VARIANTS

KEYPOINTS = "keypoints-and-masks"

ROI_ALIGNS = {"FPN": 8, "X50": 8, "DC5": 2, "Cascade": 16, KEYPOINTS: 12}
"""One for each map, and for each head."""


def without_roi_align(model: onnx.ModelProto) -> onnx.ModelProto:
    """RoiAlign's places taken by nodes with its inputs, and with outputs of its shape and type.

    They give each bin the mean of the RoI's map times the sum of its corners.
    """
    for number, graph in enumerate(all_graphs(model.graph)):
        replace_roi_align(graph, f"in_place_of_roi_align_{number}")
    onnx.checker.check_model(model)
    return model


def replace_roi_align(graph: onnx.GraphProto, prefix: str) -> None:
    nodes: list[onnx.NodeProto] = []
    for number, node in enumerate(graph.node):
        if node.op_type != "RoiAlign":
            nodes.append(node)
            continue
        side = next(each.i for each in node.attribute if each.name == "output_height")
        name = f"{prefix}_{number}"
        constants = {"bins": [side, side], "one": [1], "bin_axes": [2, 3]}
        for constant, value in constants.items():
            tensor = numpy_helper.from_array(np.array(value, np.int64), f"{name}.{constant}")
            graph.initializer.append(tensor)
        features, boxes, pictures = node.input
        for operator, inputs, output, attributes in (
            ("GlobalAveragePool", [features], "means", {}),
            ("Gather", [f"{name}.means", pictures], "mean", {"axis": 0}),
            ("Shape", [f"{name}.mean"], "rois_and_channels", {"start": 0, "end": 2}),
            ("Concat", [f"{name}.rois_and_channels", f"{name}.bins"], "shape", {"axis": 0}),
            ("Expand", [f"{name}.mean", f"{name}.shape"], "all_bins", {}),
            ("ReduceSum", [boxes, f"{name}.one"], "corners", {"keepdims": 1}),
            ("Unsqueeze", [f"{name}.corners", f"{name}.bin_axes"], "of_roi", {}),
        ):
            in_place = helper.make_node(operator, inputs, [f"{name}.{output}"])
            in_place.attribute.extend(helper.make_attribute(*each) for each in attributes.items())
            nodes.append(in_place)
        both = [f"{name}.all_bins", f"{name}.of_roi"]
        nodes.append(helper.make_node("Mul", both, list(node.output)))
    del graph.node[:]
    graph.node.extend(nodes)


@pytest.mark.usefixtures("rtx")
@pytest.mark.parametrize(
    "name",
    [name if name == "DC5" else pytest.param(name, marks=pytest.mark.long) for name in ROI_ALIGNS],
)
def test_all_but_roi_align_compiles_without_a_gpu(tmp_path: Path, name: str) -> None:
    if name == KEYPOINTS:
        config, weights = load_model(*VARIANTS[name].write(tmp_path))
    else:
        config, weights = TRAINED_MODELS[name].load()
    model = export_onnx(config, weights, "fp16", static=True)
    nodes = [node for graph in all_graphs(model.graph) for node in graph.node]
    assert sum(node.op_type == "RoiAlign" for node in nodes) == ROI_ALIGNS[name]
    network = without_roi_align(model).SerializeToString()
    plan = builder(tmp_path).build(network, tmp_path / "plan", canvases(config)[:1], print)
    assert plan.profiles[0].max["canvas"] == (8, *canvases(config)[0], 3)


def test_roi_align_itself_is_refused_without_a_gpu(rtx: Bindings, tmp_path: Path) -> None:
    if visible_gpus():
        pytest.skip("there is a GPU, which TensorRT-RTX may ask")
    config, weights = TRAINED_MODELS["DC5"].load()
    network = export_onnx(config, weights, "fp16", static=True).SerializeToString()
    with pytest.raises(BuildError, match=r"roi_heads/RoiAlign_node_\d+ \(RoiAlign\)"):
        builder(tmp_path).build(network, tmp_path / "plan", canvases(config)[:1], print)
    assert not (tmp_path / "plan").exists()


def builder(scratch: Path) -> PlanBuilder:
    return PlanBuilder(
        PlanOptions(
            "tensorrt_rtx",
            opt_batch=8,
            max_batch=8,
            cache=scratch / "cache",
            compute_capabilities=("8.9",),
        )
    )
