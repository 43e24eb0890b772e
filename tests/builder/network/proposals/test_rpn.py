"""Hostile logits and deltas, put in place of what the RPN's convolutions give."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnx_ir as ir
import pytest

from builder.network import PRECISIONS, ModelConfig
from builder.network.feature_map import Canvas, FeatureMap, FeatureShape
from tests.builder.network.graph_pieces import run_graph

Array = npt.NDArray[np.float32]


class Found(NamedTuple):
    """`Proposals`, computed."""

    boxes: Array
    exists: npt.NDArray[np.bool_]


def proposals_from(
    config: ModelConfig,
    logits: Array,
    deltas: Array,
    size: tuple[int, int],
) -> Found:
    """Proposals where the head answers `logits` [N, A, H, W] and `deltas` [N, 4A, H, W]."""
    shape = FeatureShape(channels=4, stride=16)
    rpn = config.model.proposal_generator.build({"res4": shape}, PRECISIONS["fp32"])

    def trace(
        op: Any, logits: ir.Value, deltas: ir.Value, size: ir.Value, pixels: ir.Value
    ) -> list[ir.Value]:
        object.__setattr__(rpn, "rpn_head", lambda *_: (logits, deltas))
        canvas = Canvas(pixels, image_size=size, extent=size)
        features = {"res4": FeatureMap(deltas, shape, canvas.grid(op, shape.stride))}
        proposals = rpn(op, features, canvas)
        return [proposals.boxes, proposals.exists]

    rows, columns = logits.shape[2:]
    pixels = np.zeros((1, 3, 16 * rows, 16 * columns), np.float32)
    return Found(*run_graph(trace, logits, deltas, np.array([size], np.float32), pixels))


def head_output(rows: int, columns: int, seed: int = 0) -> tuple[Array, Array]:
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
    np.testing.assert_array_equal(found.exists, expected.exists)
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
    assert logits.size < demo_config.model.proposal_generator.pre_nms_topk
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
