"""Reading a file of torch.save in a test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from builder.errors import BuildError
from builder.weights.torch_reader import read_torch
from tests.builder.weights.torch_file import zipped


def written(folder: Path, content: bytes | Mapping[str, bytes]) -> Path:
    """A file of these bytes, or these entries."""
    path = folder / "model.pth"
    path.write_bytes(content if isinstance(content, bytes) else zipped(content))
    return path


def refusal(path: Path) -> str:
    """The message with which the file is refused."""
    with pytest.raises(BuildError) as refused:
        read_torch(path)
    assert str(path) in str(refused.value)
    return str(refused.value)


def assert_same(found: object, array: np.ndarray) -> None:
    """That an array was read bit by bit, the sign of zeros included."""
    assert type(found) is np.ndarray
    assert found.dtype == array.dtype
    assert found.shape == array.shape
    np.testing.assert_array_equal(found, array)
    if array.dtype.kind == "f":
        np.testing.assert_array_equal(np.signbit(found), np.signbit(array))
