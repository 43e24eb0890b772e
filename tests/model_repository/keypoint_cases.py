"""Heatmaps and boxes; what detectron2 finds there is in `tests/goldens/keypoints.npz`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

PICTURE = (800, 1067)
"""Height and width of the resized picture, of a 480×640 one."""


def keypoint_cases() -> dict[str, tuple[Floats, Floats]]:
    """By name logits FP32 [n, K, s, s] and boxes FP32 [n, 4]; the same each time."""
    return {
        f"{map_name}-{box_name}": (make(rng, points, side, len(boxes)), boxes)
        for box_name, boxes in _boxes().items()
        for map_name, (make, points, side) in _MAPS.items()
        for rng in [np.random.default_rng(7)]
    }


def _peaks(rng: np.random.Generator, points: int, side: int, count: int) -> Floats:
    """As trained models have them: some peaks, of which two may be alike."""
    y, x = np.mgrid[:side, :side]
    maps = rng.normal(-12, 1, (count, points, side, side))
    for _ in range(3):
        center = rng.uniform(-1, side, (2, count, points, 1, 1))
        height = rng.uniform(5, 18, (count, points, 1, 1))
        width = rng.uniform(0.7, 3, (count, points, 1, 1))
        distance = (y - center[0]) ** 2 + (x - center[1]) ** 2
        maps += height * np.exp(-distance / (2 * width**2))
    return maps.astype(np.float32)


def _noise(rng: np.random.Generator, points: int, side: int, count: int) -> Floats:
    return rng.normal(0, 2, (count, points, side, side)).astype(np.float32)


_MAPS: dict[str, tuple[Callable[..., Floats], int, int]] = {
    "peaks": (_peaks, 17, 28),
    "noise": (_noise, 3, 28),
    "coarse": (_peaks, 2, 10),
}


def _boxes() -> dict[str, Floats]:
    rng = np.random.default_rng(3)
    height, width = PICTURE

    def of_sizes(least: float, most: float, count: int) -> Floats:
        sides = np.minimum(rng.uniform(least, most, (count, 2)), (width, height))
        corner = rng.uniform(0, 1, (count, 2)) * ((width, height) - sides)
        return np.concatenate([corner, corner + sides], 1).astype(np.float32)

    return {
        "below-a-pixel": of_sizes(0.001, 1.5, 12),
        "small": of_sizes(1, 60, 30),
        "medium": of_sizes(40, 300, 20),
        "large": of_sizes(300, 1067, 6),
        "at-the-border": np.array(
            [
                [0, 0, width, height],
                [0, 0, 28, 56],
                [0, height - 0.25, 112, height],
                [width - 57, 0, width, 29],
                [width - 1, height - 1, width, height],
                [12.5, 0, 13, height],
            ],
            np.float32,
        ),
    }
