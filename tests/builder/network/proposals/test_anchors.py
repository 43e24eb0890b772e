from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir

from builder.network.feature_map import FeatureMap, FeatureShape, Grid
from builder.network.proposals.anchors import DefaultAnchorGeneratorSettings
from tests.builder.network.graph_pieces import run_graph

SIZES = ((16.0, 32.0, 64.0, 128.0, 256.0),)


def test_anchors_stand_in_detectron2s_order() -> None:
    """(H, W, A), size-major then ratio; detectron2's own first cell for size 32 is known."""
    generator = DefaultAnchorGeneratorSettings(sizes=SIZES).build(feature_map=0)

    def trace(op: Any, indices: ir.Value, value: ir.Value) -> list[ir.Value]:
        feature_map = FeatureMap(value, FeatureShape(1, stride=16), Grid(value, value))
        return [generator.anchors_at(op, indices, feature_map)]

    indices = np.array([[0, 14, 15, 15 * 5, 15 * 7 + 4]], np.int64)
    (found,) = run_graph(trace, indices, np.zeros((1, 1, 3, 5), np.float32))
    cells = generator.cell_anchors
    shift = np.array([[0, 0], [0, 0], [16, 0], [0, 16], [32, 16]], np.float32)
    np.testing.assert_array_equal(found[0], cells[[0, 14, 0, 0, 4]] + np.tile(shift, 2))
    expected = [-22.627417, -11.3137085, 22.627417, 11.3137085]
    np.testing.assert_allclose(cells[3], expected, rtol=1e-6)


def test_each_feature_map_has_its_own_list_or_all_have_the_one() -> None:
    settings = DefaultAnchorGeneratorSettings(sizes=((32.0,), (64.0,)), aspect_ratios=((1.0,),))
    for feature_map, size in enumerate((32, 64)):
        half = size / 2
        generator = settings.build(feature_map)
        np.testing.assert_array_equal(generator.cell_anchors, [[-half, -half, half, half]])
