"""Batches of few sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def batch_parts(batch: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Cuts a batch into powers of two, the largest first."""
    remaining, start = len(batch["canvas"]), 0
    while remaining:
        size = 1 << (remaining.bit_length() - 1)
        yield {name: array[start : start + size] for name, array in batch.items()}
        remaining, start = remaining - size, start + size
