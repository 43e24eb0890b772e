from __future__ import annotations

import numpy as np
import pytest
from batch_parts import batch_parts


@pytest.mark.parametrize(
    ("size", "sizes"), [(1, [1]), (2, [2]), (3, [2, 1]), (7, [4, 2, 1]), (8, [8]), (13, [8, 4, 1])]
)
def test_a_batch_is_cut_into_powers_of_two(size: int, sizes: list[int]) -> None:
    batch = {"canvas": np.arange(size), "image_size": -np.arange(size)}
    parts = list(batch_parts(batch))
    assert [len(part["canvas"]) for part in parts] == sizes
    for name, whole in batch.items():
        assert np.array_equal(np.concatenate([part[name] for part in parts]), whole)
