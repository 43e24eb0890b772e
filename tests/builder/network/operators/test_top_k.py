from __future__ import annotations

import numpy as np
import pytest

from builder.network.operators.top_k import (
    LARGEST_TOP_K,
    NO_SCORE,
    finite_or_no_score,
    first_k,
    gather_rows,
    is_score,
    top_k,
)
from tests.builder.network.graph_pieces import run_graph


@pytest.mark.parametrize(
    ("length", "k"),
    [
        (50, 10),
        (10, 10),
        (9000, LARGEST_TOP_K),
        (9000, LARGEST_TOP_K + 1),
        (9000, 6000),
        (9000, 2 * LARGEST_TOP_K + 5),
    ],
)
def test_the_best_come_first_for_any_k(length: int, k: int) -> None:
    rng = np.random.default_rng(length + k)
    scores = rng.permuted(np.tile(np.arange(length, dtype=np.float32), (2, 1)), axis=1)
    values, indices = run_graph(lambda op, s: top_k(op, s, k), scores)
    np.testing.assert_array_equal(values, np.sort(scores, axis=1)[:, ::-1][:, :k])
    np.testing.assert_array_equal(np.take_along_axis(scores, indices, axis=1), values)


@pytest.mark.parametrize(("length", "k"), [(5, 20), (1, 1000), (100, 6000), (4000, 6000)])
def test_more_asked_for_than_exist_leaves_no_score_in_the_rest(length: int, k: int) -> None:
    scores = np.random.default_rng(0).normal(size=(3, length)).astype(np.float32)
    values, indices = run_graph(lambda op, s: top_k(op, s, k), scores)
    np.testing.assert_array_equal(values[:, :length], np.sort(scores, axis=1)[:, ::-1])
    assert (values[:, length:] <= NO_SCORE).all()
    assert (indices >= 0).all()
    assert (indices < length).all()


def test_ties_and_exhausted_candidates_are_never_taken_twice() -> None:
    scores = np.full((1, 5000), NO_SCORE, np.float32)
    scores[0, 100:4200] = 1.0
    values, indices = run_graph(lambda op, s: top_k(op, s, 4500), scores)
    taken = indices[0][values[0] == 1.0]
    assert sorted(taken) == list(range(100, 4200))


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_no_score(odd: float) -> None:
    scores = np.array([[1, odd, -2, odd]], np.float32)
    finite, exists = run_graph(
        lambda op, s: (finite_or_no_score(op, s), is_score(op, finite_or_no_score(op, s))), scores
    )
    np.testing.assert_array_equal(finite, np.array([[1, NO_SCORE, -2, NO_SCORE]], np.float32))
    np.testing.assert_array_equal(exists, [[True, False, True, False]])


@pytest.mark.parametrize("k", [1, 7, 60, 200])
def test_the_first_k_chosen_keep_their_order(k: int) -> None:
    chosen = np.random.default_rng(k).random((4, 100)) < [[0.0], [0.1], [0.5], [1.0]]
    indices, exists = run_graph(lambda op, c: first_k(op, c, k), chosen)
    for row, found, real in zip(chosen, indices, exists, strict=True):
        expected = np.flatnonzero(row)[:k]
        assert real.sum() == len(expected)
        np.testing.assert_array_equal(found[real], expected)


def test_rows_are_gathered_picture_by_picture() -> None:
    rows = np.arange(2 * 5 * 3, dtype=np.float32).reshape(2, 5, 3)
    indices = np.array([[4, 0], [1, 1]], np.int64)
    (found,) = run_graph(lambda op, r, i: [gather_rows(op, r, i)], rows, indices)
    np.testing.assert_array_equal(found, [rows[0][[4, 0]], rows[1][[1, 1]]])
