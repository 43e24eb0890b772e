from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from artifact.manifest import Tensor
from builder.build_record import tensors
from builder.network import PRECISIONS, export_onnx, network_spec
from builder.quantization.pictures import network_inputs
from tests.builder.network.graph_pieces import all_graphs, session_of
from tests.builder.network.trained_models import TRAINED_MODELS
from tests.changed_config import without_masks

PHOTOS = Path(__file__).parents[3] / "demo/val/images"


def is_usual(model: int, precision: int, masks: bool, static: bool) -> bool:
    """Of each model and precision one combination; among all of them, every pair of values."""
    return masks == (model + precision) % 2 and static == (model // 2 + precision) % 2


# The rest is left to `make test-long`.
COMBINATIONS = [
    pytest.param(
        *(model, precision, masks, static),
        marks=[] if is_usual(number, place, masks, static) else pytest.mark.long,
    )
    for number, model in enumerate(TRAINED_MODELS)
    for place, precision in enumerate(PRECISIONS)
    for masks, static in itertools.product([True, False], repeat=2)
]


@pytest.mark.parametrize(("model", "precision", "masks", "static"), COMBINATIONS)
def test_the_graph_has_the_declared_inputs_and_outputs_and_nothing_that_is_not_used(
    model: str, precision: str, masks: bool, static: bool
) -> None:
    with_masks, weights = TRAINED_MODELS[model].load()
    config = with_masks if masks else without_masks(with_masks)
    spec = network_spec(config)
    graph = export_onnx(config, weights, precision, static=static).graph
    found: list[tuple[Tensor, ...]] = [tensors(graph.input), tensors(graph.output)]
    assert found == [spec.inputs, spec.outputs]

    graphs = list(all_graphs(graph))
    used = {name for each in graphs for node in each.node for name in node.input}
    used |= {output.name for each in graphs for output in each.output}
    assert [n.name for each in graphs for n in each.node if not used & set(n.output)] == []
    initializers = [initializer.name for each in graphs for initializer in each.initializer]
    assert [name for name in initializers if name not in used] == []
    assert set(initializers) >= spec.parameters.shapes.keys()


@pytest.mark.parametrize("model", ["C4", "FPN"])
def test_a_static_network_has_the_same_answers(model: str) -> None:
    config, weights = TRAINED_MODELS[model].load()
    networks = [
        session_of(export_onnx(config, weights, static=static).SerializeToString())
        for static in (False, True)
    ]
    for photo in sorted(PHOTOS.glob("*.jpg"))[:4]:
        inputs = network_inputs(photo, config)
        expected, found = (network.run(None, inputs) for network in networks)
        for value, other in zip(expected, found, strict=True):
            np.testing.assert_allclose(value, other, atol=1e-4)


def test_a_static_network_has_no_size_that_depends_on_values() -> None:
    graph = export_onnx(*TRAINED_MODELS["FPN"].load(), static=True).graph
    operators = {node.op_type for each in all_graphs(graph) for node in each.node}
    assert not operators & {"NonMaxSuppression", "NonZero", "If"}
