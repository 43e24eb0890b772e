"""The canvases on which pictures reach the network."""

from __future__ import annotations

from builder.config import ModelConfig

MULTIPLE = 32
"""Both sides are multiples of this: even numbers of cells on the stride-16 feature map, for
kernels that like them."""


def canvases(config: ModelConfig) -> tuple[tuple[int, int], ...]:
    """The canvases that together hold each picture that `config` lets reach the network.

    A landscape, a portrait, and a square for a request that mixes the two; only the square if
    the configuration's two sizes come to the same.

    Returns:
        (height, width) of each in pixels, e.g. 800x1344, 1344x800, 1344x1344 for 800/1333.
    """
    long = _rounded_up(config.max_size_test)
    short = min(_rounded_up(config.min_size_test), long)
    return tuple(dict.fromkeys([(short, long), (long, short), (long, long)]))


def _rounded_up(side: int) -> int:
    return -(-side // MULTIPLE) * MULTIPLE
