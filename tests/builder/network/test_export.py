from __future__ import annotations

from collections.abc import Iterator

import onnx
import pytest

from artifact.manifest import Tensor
from builder.build_record import tensors
from builder.network import PRECISIONS, export_onnx, network_spec
from tests.builder.network.trained_models import TRAINED_MODELS
from tests.changed_config import without_masks


def all_nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Those of the graph and of the graphs within it."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from all_nodes(attribute.g)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("masks", [True, False])
@pytest.mark.parametrize("model", TRAINED_MODELS)
def test_the_graph_has_the_declared_inputs_and_outputs_and_nothing_that_is_not_used(
    precision: str, masks: bool, model: str
) -> None:
    with_masks, weights = TRAINED_MODELS[model].load()
    config = with_masks if masks else without_masks(with_masks)
    spec = network_spec(config)
    graph = export_onnx(config, weights, precision).graph
    found: list[tuple[Tensor, ...]] = [tensors(graph.input), tensors(graph.output)]
    assert found == [spec.inputs, spec.outputs]

    used = {name for node in all_nodes(graph) for name in node.input}
    used |= {output.name for output in graph.output}
    assert [node.name for node in graph.node if not used & set(node.output)] == []
    assert [each.name for each in graph.initializer if each.name not in used] == []
    assert {each.name for each in graph.initializer} >= spec.parameters.shapes.keys()
