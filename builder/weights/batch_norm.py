"""Folding each BatchNorm into the convolution before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from builder.errors import BuildError

EPSILON = 1e-5
"""Added to the variance by detectron2's FrozenBatchNorm2d and by torch's BatchNorm2d."""

_NORMALIZED = ("backbone.", "roi_heads.res5.")
"""Every convolution in here has a `norm`, and no bias of its own."""

_NORM_TENSORS = ("norm.weight", "norm.bias", "norm.running_mean", "norm.running_var")


def is_folded(names: Iterable[str]) -> bool:
    """Whether a file with tensors of these names has its BatchNorm folded already."""
    return not any(".norm." in name for name in names)


def unfolded_shapes(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """The names and shapes of a file that holds BatchNorm apart.

    Args:
        shapes: the network's parameters, with BatchNorm folded.
    """
    unfolded = {}
    for name, shape in shapes.items():
        module, _, kind = name.rpartition(".")
        if kind == "bias" and name.startswith(_NORMALIZED):
            unfolded.update({f"{module}.{tensor}": shape for tensor in _NORM_TENSORS})
        else:
            unfolded[name] = shape
    return unfolded


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
    path: Path, tensors: Mapping[str, npt.NDArray[Any]], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, npt.NDArray[np.float32]]:
    """The network's parameters from the tensors of a file, folded or not.

    Args:
        path: names the file in the message.
        tensors: checked to hold every name of `shapes`, or of `unfolded_shapes(shapes)`.
        shapes: the network's parameters.

    Returns:
        A contiguous array for each name of `shapes`.

    Raises:
        BuildError: a folded value is too large for float32.
    """
    parameters: dict[str, npt.NDArray[np.float32]] = {}
    with np.errstate(over="ignore"):  # reported below, by name
        for name in shapes:
            module, _, kind = name.rpartition(".")
            if f"{module}.norm.weight" not in tensors:
                parameters[name] = np.ascontiguousarray(tensors[name], np.float32)
            elif kind == "weight":
                norm = [tensors[f"{module}.{tensor}"] for tensor in _NORM_TENSORS]
                weight, bias = fold_batch_norm(tensors[name], *norm)
                parameters[name], parameters[f"{module}.bias"] = weight, bias
    for name, parameter in parameters.items():
        if not np.isfinite(parameter).all():
            raise BuildError(
                f"{path}: {name} has values that do not fit float32 (BatchNorm folded)"
            )
    return parameters
