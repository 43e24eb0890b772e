"""The K best of many scores, for any K, in operators that every runtime has."""

from __future__ import annotations

from typing import Any

import onnx_ir as ir

NO_SCORE = -1e30
"""Stands for "not a candidate". Finite, so that it survives fp32 arithmetic in every runtime."""

LARGEST_TOP_K = 3840
"""TensorRT's TopK takes no larger K."""


def is_score(op: Any, scores: ir.Value) -> ir.Value:
    """Which scores are those of candidates and not `NO_SCORE`, BOOL like `scores`."""
    return op.Greater(scores, NO_SCORE / 2)


def finite_or_no_score(op: Any, scores: ir.Value) -> ir.Value:
    """`scores` with `NO_SCORE` for every NaN and infinity."""
    return op.Where(op.Less(op.Abs(scores), 3e38), scores, NO_SCORE)


def top_k(op: Any, scores: ir.Value, k: int) -> tuple[ir.Value, ir.Value]:
    """The k highest scores of each row, best first.

    There may be fewer than k: the rest is filled with `NO_SCORE` and the index of the last column.

    Args:
        scores: FP32 [N, L], no NaN.

    Returns:
        values FP32 [N, k] and indices INT64 [N, k] into the columns.
    """
    last = op.Sub(op.Shape(scores, start=1, end=2), 1)
    padding = op.Expand(NO_SCORE, op.Concat(op.Shape(scores, start=0, end=1), [k], axis=0))
    remaining = op.Concat(scores, padding, axis=1)
    values, indices = [], []
    while k > 0:
        chunk = min(k, LARGEST_TOP_K)
        best, where = op.TopK(remaining, [chunk], axis=1, _outputs=2)
        values.append(best)
        indices.append(where)
        k -= chunk
        if k > 0:
            taken = op.Expand(2 * NO_SCORE, op.Shape(where))
            remaining = op.ScatterElements(remaining, where, taken, axis=1)
    if len(values) > 1:
        return op.Concat(*values, axis=1), op.Min(op.Concat(*indices, axis=1), last)
    return values[0], op.Min(indices[0], last)


def first_k(op: Any, chosen: ir.Value, k: int) -> tuple[ir.Value, ir.Value]:
    """The first k chosen columns of each row, in their order.

    Args:
        chosen: BOOL [N, L].

    Returns:
        indices INT64 [N, k] and BOOL [N, k]: which of them exist (fewer than k may be chosen).
    """
    length = op.Shape(chosen, start=1, end=2)
    order = op.Neg(op.Cast(op.Range(0, op.Squeeze(length, [0]), 1), to=ir.DataType.FLOAT))
    values, indices = top_k(op, op.Where(chosen, order, NO_SCORE), k)
    return indices, is_score(op, values)


def gather_rows(op: Any, rows: ir.Value, indices: ir.Value) -> ir.Value:
    """`rows` [N, L, …] at `indices` INT64 [N, k] → [N, k, …]."""
    return op.GatherND(rows, op.Unsqueeze(indices, [2]), batch_dims=1)
