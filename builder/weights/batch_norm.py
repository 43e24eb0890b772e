"""Folding each BatchNorm into the convolution before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from builder.errors import BuildError
from builder.weights.parameters import NORM_TENSORS, Parameters

EPSILON = 1e-5
"""Added to the variance by detectron2's FrozenBatchNorm2d and by torch's BatchNorm2d."""


def is_folded(names: Iterable[str]) -> bool:
    """Whether a file with tensors of these names has its BatchNorm folded already."""
    return not any(".norm." in name for name in names)


def fold_batch_norm(
    weight: npt.NDArray[Any],
    norm_weight: npt.NDArray[Any],
    norm_bias: npt.NDArray[Any],
    running_mean: npt.NDArray[Any],
    running_var: npt.NDArray[Any],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Weight and bias of the convolution that computes what convolution and BatchNorm did.

    Computed in float64: scale = norm_weight / sqrt(running_var + EPSILON) on each output channel
    (detectron2, `layers/batch_norm.py`).

    Args:
        weight: [O, I, kH, kW]; the others are [O].

    Returns:
        float32 [O, I, kH, kW] and [O].
    """
    scale = norm_weight.astype(np.float64) / np.sqrt(running_var.astype(np.float64) + EPSILON)
    bias = norm_bias - running_mean * scale
    folded = weight * scale[:, None, None, None]
    return folded.astype(np.float32, order="C"), bias.astype(np.float32)


def fold(
    path: Path, tensors: Mapping[str, npt.NDArray[Any]], parameters: Parameters
) -> dict[str, npt.NDArray[np.float32]]:
    """The network's parameters from the tensors of a file, folded or not.

    Args:
        path: names the file in the message.
        tensors: checked to hold every name of `parameters`, folded or not.
        parameters: the network's.

    Returns:
        A contiguous array for each name of `parameters.shapes`.

    Raises:
        BuildError: a folded value is too large for float32.
    """
    arrays: dict[str, npt.NDArray[np.float32]] = {}
    with np.errstate(over="ignore"):  # reported below, by name
        for name in parameters.shapes:
            module, _, kind = name.rpartition(".")
            if f"{module}.{NORM_TENSORS[0]}" not in tensors:
                arrays[name] = np.ascontiguousarray(tensors[name], np.float32)
            elif kind == "weight":
                norm = [tensors[f"{module}.{tensor}"] for tensor in NORM_TENSORS]
                weight, bias = fold_batch_norm(tensors[name], *norm)
                arrays[name], arrays[f"{module}.bias"] = weight, bias
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise BuildError(
                f"{path}: {name} has values that do not fit float32 (BatchNorm folded)"
            )
    return arrays
