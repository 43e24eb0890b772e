"""Whether the tensors of a file are those of the network."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from builder.errors import BuildError
from builder.weights.batch_norm import EPSILON
from builder.weights.hints import hints

LISTED = 12
"""Names of one kind in a message; the rest is counted."""

_PASSED_OVER = re.compile(r"(.*\.)?(pixel_mean|pixel_std|num_batches_tracked|cell_anchors\.\d+)")


def check_tensors(
    path: Path, tensors: Mapping[str, object], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, npt.NDArray[Any]]:
    """The tensors named in `shapes`: arrays of finite floating point numbers, of these shapes.

    Args:
        path: names the file in the message.
        tensors: everything in the file.
        shapes: the names that a file of its kind has to hold.

    Raises:
        BuildError: `tensors` are not exactly these. The message lists what is missing,
            unexpected, misshapen and unusable, with the names that come near and what to do.
    """
    missing = [name for name in shapes if name not in tensors]
    unexpected = [n for n in tensors if n not in shapes and not _PASSED_OVER.fullmatch(n)]
    arrays: dict[str, npt.NDArray[Any]] = {}
    misshapen: dict[str, str] = {}
    unusable: list[str] = []
    for name, shape in shapes.items():
        if name not in tensors:
            continue
        tensor = tensors[name]
        if not isinstance(tensor, np.ndarray):
            unusable.append(f"{name}: is a {type(tensor).__name__}; expected an array")
        elif tensor.shape != shape:
            misshapen[name] = f"{name}: {tensor.shape}, expected {shape}"
        elif fault := _fault(name, tensor):
            unusable.append(f"{name}: {fault}")
        else:
            arrays[name] = tensor
    if not (missing or unexpected or misshapen or unusable):
        return arrays

    lines = [f"{path}: does not hold the weights of the network that the configuration describes"]
    lines += hints(list(shapes), missing, unexpected, list(misshapen))
    lines += _listing(f"missing ({len(missing)} of {len(shapes)})", missing, unexpected)
    lines += _listing(f"not in the network ({len(unexpected)})", unexpected)
    lines += _listing(f"of another shape ({len(misshapen)})", list(misshapen.values()))
    lines += _listing(f"unusable ({len(unusable)})", unusable)
    raise BuildError("\n  ".join(lines))


def _fault(name: str, tensor: npt.NDArray[Any]) -> str | None:
    if tensor.dtype.kind != "f":
        return f"is {tensor.dtype}; expected float16, float32 or float64"
    if bad := np.count_nonzero(~np.isfinite(tensor)):
        return f"{bad} of {tensor.size} values are NaN or infinite"
    if name.endswith(".running_var") and (bad := np.count_nonzero(tensor <= -EPSILON)):
        return f"{bad} of {tensor.size} variances are negative"
    return None


def _listing(title: str, names: Sequence[str], nearby: Sequence[str] = ()) -> list[str]:
    """The first of the names, each with that of `nearby` which resembles it."""
    if not names:
        return []
    lines = [f"{title}:"]
    for name in names[:LISTED]:
        near = difflib.get_close_matches(name, nearby, n=1, cutoff=0.8)
        lines.append(f"  {name} (the file has {near[0]})" if near else f"  {name}")
    if len(names) > LISTED:
        lines.append(f"  … and {len(names) - LISTED} more")
    return lines
