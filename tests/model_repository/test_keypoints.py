"""Points found in heatmaps, held against detectron2's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from heatmap_peaks import CONTROL_POINTS, NEGATIVE, OUTER, tap_weights
from keypoints import heatmaps_to_keypoints, keypoints_in_original

from tests.model_repository.keypoint_cases import Floats, keypoint_cases

GOLDENS = Path(__file__).parents[1] / "goldens" / "keypoints.npz"
CASES = keypoint_cases()


@pytest.fixture(scope="module")
def goldens() -> dict[str, Floats]:
    return dict(np.load(GOLDENS))


@pytest.mark.parametrize("name", CASES)
def test_points_and_scores_are_detectron2s(name: str, goldens: dict[str, Floats]) -> None:
    logits, boxes = CASES[name]
    found = heatmaps_to_keypoints(logits, goldens[f"{name}.normalizers"], boxes)
    expected = goldens[f"{name}.keypoints"]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[..., :2], expected[..., :2], atol=1e-3)
    np.testing.assert_allclose(found[..., 2], expected[..., 2], atol=1e-5)


def test_no_detections_have_no_points() -> None:
    logits, normalizers = np.zeros((0, 17, 28, 28), np.float32), np.zeros((0, 17), np.float32)
    found = heatmaps_to_keypoints(logits, normalizers, np.zeros((0, 4), np.float32))
    assert found.shape == (0, 17, 3)


def test_of_equal_cells_the_first_is_taken() -> None:
    boxes = np.array([[10, 20, 30, 60]], np.float32)
    ridge = np.zeros((1, 1, 28, 28), np.float32)
    ridge[:, :, 14:] = 1
    normalizers = np.full((1, 1), 1, np.float32)
    [[[x, y, score]]] = heatmaps_to_keypoints(ridge, normalizers, boxes)
    # Bicubic interpolation overshoots behind a step, in a row of equal cells.
    assert x == 10.5
    assert 40 < y < 44
    assert 1 < score < 1.2


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_map_that_is_not_of_numbers_has_the_score_0_and_harms_no_other(value: float) -> None:
    logits, boxes = (each[:2].copy() for each in CASES["peaks-small"])
    normalizers = np.zeros(logits.shape[:2], np.float32)
    expected = heatmaps_to_keypoints(logits, normalizers, boxes)
    logits[0, 3, 5, 5] = value
    normalizers[0, 3] = value
    found = heatmaps_to_keypoints(logits, normalizers, boxes)
    assert np.isfinite(found).all()
    assert found[0, 3, 2] == 0
    others = np.ones(normalizers.shape, bool)
    others[0, 3] = False
    np.testing.assert_array_equal(found[others], expected[others])


def test_points_are_scaled_to_the_original_picture_and_not_clipped() -> None:
    logits, boxes = CASES["peaks-at-the-border"]
    normalizers = np.zeros(logits.shape[:2], np.float32)
    sizes = np.array([800, 1067], np.int32), np.array([480, 640], np.int32)
    found = keypoints_in_original(logits, normalizers, boxes, *sizes)
    resized = heatmaps_to_keypoints(logits, normalizers, boxes)
    scale = [640 / 1067, 480 / 800, 1]
    np.testing.assert_allclose(found, resized * np.array(scale, np.float32), rtol=1e-6)


def test_no_cell_is_above_the_bounds() -> None:
    positions = np.linspace(0, 1, 2001, dtype=np.float32)
    weights = tap_weights(positions)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
    outer = weights[:, [0, 3]]
    assert 1 - (1 - outer.max()) ** 2 <= OUTER + 1e-6
    negative = -np.minimum(weights, 0).sum(1).min()
    assert 2 * negative * (1 + negative) <= NEGATIVE + 1e-6
    patches = np.random.default_rng(0).normal(size=(300, 4, 4)).astype(np.float32)
    cells = np.einsum("ai,nij,bj->nab", weights[::20], patches, weights[::20])
    bounds = (CONTROL_POINTS @ patches.reshape(300, 16).T).max(0)
    assert (cells.max((1, 2)) <= bounds + 1e-5).all()
    assert (bounds - cells.max((1, 2)) < 1).all(), "bounds that leave too much open"
