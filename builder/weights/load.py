"""From a file of weights to the network's parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from builder.errors import BuildError
from builder.weights.batch_norm import fold, is_folded
from builder.weights.check import check_tensors
from builder.weights.parameters import Parameters
from builder.weights.pickle_reader import read_pickle
from builder.weights.torch_reader import read_torch
from builder.weights.wts import read_wts

READERS: dict[str, Callable[[Path], Mapping[str, object]]] = {
    ".pkl": read_pickle,
    **dict.fromkeys((".pth", ".pt", ".ckpt"), read_torch),
    ".wts": read_wts,
}


def load_weights(path: str | Path, parameters: Parameters) -> dict[str, npt.NDArray[np.float32]]:
    """Reads a detectron2 model zoo .pkl, a torch .pth (.pt, .ckpt), or a tensorrtx .wts.

    fp16, bf16 and fp64 become fp32. Passed over: `pixel_mean` and `pixel_std` (the configuration
    has them), `cell_anchors` and `num_batches_tracked`.

    Args:
        path: the file; its suffix says which of these it is.
        parameters: the network's.

    Returns:
        An array for each name of `parameters.shapes`, of that shape.

    Raises:
        BuildError: the file cannot be read, or does not hold exactly these tensors; the message
            lists the missing, unexpected, misshapen and unusable ones.
    """
    path = Path(path)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise BuildError(
            f"{path}: unknown kind of weights {path.suffix!r}; expected .pkl (detectron2 model "
            f"zoo), .pth, .pt or .ckpt (torch checkpoint), or .wts (tensorrtx)"
        )
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise BuildError(f"{path}: cannot be read: {reason}") from error
    if empty:
        raise BuildError(f"{path}: is empty; copy or download it again")

    tensors = reader(path)
    shapes = parameters.shapes if is_folded(tensors) else parameters.unfolded_shapes()
    if reader is read_wts:
        tensors = {name: _shaped(tensors[name], shapes.get(name, ())) for name in tensors}
    return fold(path, check_tensors(path, tensors, shapes), parameters)


def _shaped(vector: Any, shape: tuple[int, ...]) -> Any:
    """The values of a .wts, which has no shapes, in the shape that they have to have."""
    return vector.reshape(shape) if vector.size == math.prod(shape) else vector
