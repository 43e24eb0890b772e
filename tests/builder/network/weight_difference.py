"""Weights kept as a difference to those of another model, in a sixth of the space.

Such a model is trained on from the other one, or its tensors have no counterpart there. Either way
the difference to the other's tensors, or to nothing, is kept in a few steps for each row.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Weights = Mapping[str, Any]
"""Arrays of floats by name."""

STEPS, STEPS_ALONE = 7, 31
"""In each direction, of what differs from another tensor, and of what has none to differ from."""


def write_difference(path: Path, weights: Weights, base: Weights) -> None:
    """Writes an .npz: what is rounded is lost, so the model is from now on what is read again."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, value in weights.items():
        steps = STEPS if _has(base, name, value) else STEPS_ALONE
        rows = (value.astype(np.float32) - _base(base, name, value)).reshape(len(value), -1)
        if value.ndim == 1:
            arrays[name] = value.astype(np.float32)
            continue
        scale = (np.abs(rows).max(1) / steps).astype(np.float16)
        divisor = np.where(scale == 0, 1, scale).astype(np.float32)[:, None]
        arrays[name] = np.rint(rows / divisor).astype(np.int8).reshape(value.shape)
        arrays[f"{name}.scale"] = scale
    np.savez_compressed(path, **arrays)


def read_difference(path: Path, base: Weights) -> dict[str, npt.NDArray[np.float32]]:
    """The weights, float32 by name."""
    arrays = dict(np.load(path))
    weights = {}
    for name, value in arrays.items():
        if name.endswith(".scale"):
            continue
        if value.dtype == np.int8:
            scale = arrays[f"{name}.scale"].astype(np.float32).reshape(-1, *[1] * (value.ndim - 1))
            value = value * scale + _base(base, name, value)
        weights[name] = value
    return weights


def _has(base: Weights, name: str, value: npt.NDArray[Any]) -> bool:
    return name in base and base[name].shape == value.shape


def _base(base: Weights, name: str, value: npt.NDArray[Any]) -> npt.NDArray[np.float32] | float:
    return base[name].astype(np.float32) if _has(base, name, value) else 0.0
