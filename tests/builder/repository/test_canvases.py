from __future__ import annotations

import pytest

from builder.network import ModelConfig
from builder.network.config import InputSettings
from builder.repository.canvases import canvases


@pytest.mark.parametrize(
    ("min_size", "max_size", "expected"),
    [
        (800, 1333, ((800, 1344), (1344, 800), (1344, 1344))),
        (288, 480, ((288, 480), (480, 288), (480, 480))),
        (640, 640, ((640, 640),)),
        (630, 640, ((640, 640),)),
        (1, 1, ((32, 32),)),
    ],
)
def test_canvases_are_landscape_portrait_and_square_in_multiples_of_32(
    min_size: int, max_size: int, expected: tuple[tuple[int, int], ...]
) -> None:
    assert canvases(ModelConfig(input=InputSettings(min_size, max_size))) == expected
