"""Checkpoints of detectron2's model zoo (.pkl)."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np

from builder.errors import BuildError
from builder.weights.checkpoint import model_state
from builder.weights.torch_archive import is_torch_file
from builder.weights.unpickler import ArrayUnpickler, unpickle


def read_pickle(path: Path) -> dict[str, object]:
    """The tensors of a model zoo file by name, as arrays in the precision of the file.

    Raises:
        BuildError: the pickle asks for more than arrays and plain containers, is damaged, or
            holds no model.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if is_torch_file(data[:32]):
            raise BuildError(f"{path}: was written by torch.save; give it the suffix .pth")
        checkpoint = unpickle(path, ArrayUnpickler(data, len(data), {}))
    return {
        name: np.asarray(value) if isinstance(value, np.ndarray) else value
        for name, value in model_state(path, checkpoint).items()
    }
