"""The canvases on which pictures reach the network."""

from __future__ import annotations

import math

from builder.network import ModelConfig

MULTIPLE = 32
"""Both sides are multiples of this, and of the backbone's size divisibility: even numbers of cells
on a feature map of stride 16, for kernels that like them."""


def canvases(config: ModelConfig) -> tuple[tuple[int, int], ...]:
    """The canvases that together hold each picture that `config` lets reach the network.

    A landscape, a portrait, and a square for a request that mixes the two; only the square if
    the configuration's two sizes come to the same.

    Returns:
        (height, width) of each in pixels, e.g. 800x1344, 1344x800, 1344x1344 for 800/1333.
    """
    multiple = math.lcm(MULTIPLE, config.model.size_divisibility)
    long, short = (
        -(-side // multiple) * multiple
        for side in (config.input.max_size_test, config.input.min_size_test)
    )
    return tuple(dict.fromkeys([(short, long), (long, short), (long, long)]))
