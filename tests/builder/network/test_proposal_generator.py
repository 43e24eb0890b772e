"""Hostile logits and deltas, put in place of what the RPN's convolutions give."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
import pytest

from builder.config import ModelConfig
from builder.network.anchors import anchors_at, cell_anchors
from builder.network.proposal_generator import RPN, Proposals
from tests.builder.network.graph_pieces import run_graph


def proposals_from(
    config: ModelConfig, logits: np.ndarray, deltas: np.ndarray, size: tuple[int, int]
) -> Proposals:
    """Proposals where the head answers `logits` [N, A, H, W] and `deltas` [N, 4A, H, W]."""
    rpn = RPN(config, 4, ir.DataType.FLOAT)

    def trace(op: Any, logits: ir.Value, deltas: ir.Value, size: ir.Value) -> Any:
        object.__setattr__(rpn, "rpn_head", lambda *_: (logits, deltas))
        cells = op.Greater(op.ReduceMax(op.Abs(deltas), [1], keepdims=1), -1.0)
        cells = op.Or(cells, op.Not(cells))
        return rpn(op, deltas, cells, size)

    return Proposals(*run_graph(trace, logits, deltas, np.float32([size])))


def head_output(rows: int, columns: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(1, 15, rows, columns)).astype(np.float32)
    return logits, rng.normal(size=(1, 60, rows, columns)).astype(np.float32) * 0.2


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite_make_no_proposal(demo_config: ModelConfig, odd: float) -> None:
    logits, deltas = head_output(6, 8)
    without = logits.copy()
    logits[0, ::2] = odd
    without[0, ::2] = -1e30
    found = proposals_from(demo_config, logits, deltas, (96, 128))
    expected = proposals_from(demo_config, without, deltas, (96, 128))
    assert found.exists.any()
    assert np.isfinite(found.logits[found.exists]).all()
    np.testing.assert_array_equal(found.boxes, expected.boxes)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_deltas_that_are_not_finite_make_no_proposal(demo_config: ModelConfig, odd: float) -> None:
    logits, deltas = head_output(6, 8)
    deltas[0, :, :3] = odd
    found = proposals_from(demo_config, logits, deltas, (96, 128))
    assert found.exists.any()
    assert np.isfinite(found.boxes).all()


def test_nothing_but_nan_makes_no_proposal_at_all(demo_config: ModelConfig) -> None:
    logits, deltas = head_output(6, 8)
    found = proposals_from(demo_config, np.full_like(logits, np.nan), deltas, (96, 128))
    assert not found.exists.any()
    assert not found.boxes.any()


def test_fewer_anchors_than_are_asked_for_are_each_taken_once(demo_config: ModelConfig) -> None:
    logits, deltas = head_output(1, 2)
    assert logits.size < demo_config.rpn_pre_nms_topk
    found = proposals_from(demo_config, logits, np.zeros_like(deltas), (16, 32))
    boxes = found.boxes[found.exists]
    assert 0 < len(boxes) <= logits.size
    assert len(np.unique(boxes, axis=0)) == len(boxes)


def test_a_box_moved_out_of_the_picture_is_no_proposal(demo_config: ModelConfig) -> None:
    logits, deltas = head_output(6, 8)
    deltas = deltas.reshape(1, 15, 4, 6, 8)
    deltas[:, :, 0] = 1000.0
    found = proposals_from(demo_config, logits, deltas.reshape(1, 60, 6, 8), (96, 128))
    assert not found.exists.any()


def test_anchors_stand_in_detectron2s_order(demo_config: ModelConfig) -> None:
    """(H, W, A), size-major then ratio; detectron2's own first cell for size 32 is known."""
    features = np.zeros((1, 1, 3, 5), np.float32)
    indices = np.int64([[0, 14, 15, 15 * 5, 15 * 7 + 4]])
    (found,) = run_graph(lambda op, i, f: [anchors_at(op, i, f, demo_config)], indices, features)
    cells = cell_anchors(demo_config)
    shift = np.float32([[0, 0], [0, 0], [16, 0], [0, 16], [32, 16]])
    np.testing.assert_array_equal(found[0], cells[[0, 14, 0, 0, 4]] + np.tile(shift, 2))
    expected = [-22.627417, -11.3137085, 22.627417, 11.3137085]
    np.testing.assert_allclose(cells[3], expected, rtol=1e-6)
