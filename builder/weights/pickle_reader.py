"""Checkpoints of detectron2's model zoo (.pkl), read so that nothing in them can run.

A pickle is a program that names functions to call. Here it may name only those by which numpy
rebuilds an array, and in their place it is given functions of this module, which check their
arguments.
"""

from __future__ import annotations

import math
import mmap
import pickle
import re
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from builder.errors import BuildError
from builder.weights.checkpoint import model_state


def read_pickle(path: Path) -> dict[str, object]:
    """The tensors of a model zoo file by name, as arrays in the precision of the file.

    Raises:
        BuildError: the pickle asks for more than arrays and plain containers, is damaged, or
            holds no model.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[:4] == b"PK\x03\x04":
            raise BuildError(f"{path}: was written by torch.save; give it the suffix .pth")
        try:
            checkpoint = _ArrayUnpickler(data).load()
        except _RefusedError as error:
            raise BuildError(
                f"{path}: is refused: {error}. Nothing in it was run. Weights are arrays of "
                f"numbers in dictionaries; a file that asks for more may be malicious"
            ) from error
        except Exception as error:  # a damaged pickle raises whatever its opcodes lead to
            reason = f"{type(error).__name__}: {error}"
            raise BuildError(
                f"{path}: is not a complete pickle ({reason:.200}); copy or download it again"
            ) from error
    return {
        name: np.asarray(value) if isinstance(value, np.ndarray) else value
        for name, value in model_state(path, checkpoint).items()
    }


class _RefusedError(pickle.UnpicklingError):
    """The pickle is whole, but asks for something that weights do not need."""


def _load_bytearray8(unpickler: Any) -> None:
    """Reads before it allocates; the inherited one allocates whatever size is announced."""
    size = int.from_bytes(unpickler.read(8), "little")
    unpickler.append(bytearray(unpickler.read(size)))


class _ArrayUnpickler(pickle._Unpickler):
    """Python's own unpickler in Python, not in C: its memo is a dictionary, so that a short file
    cannot ask for gigabytes by numbering its objects high."""

    dispatch: ClassVar[dict[int, Callable[..., None]]] = {
        **pickle._Unpickler.dispatch,
        pickle.BYTEARRAY8[0]: _load_bytearray8,
    }

    def __init__(self, data: mmap.mmap) -> None:
        super().__init__(data, encoding="latin1")  # what Python 2 wrote as str

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise _RefusedError(f"the pickle asks for {module}.{name}") from None

    def persistent_load(self, pid: Any) -> Any:
        raise _RefusedError("the pickle asks for data outside itself")


class _StandIn:
    """Is called by the pickle in place of a function of numpy, and cannot be altered by it."""

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function

    def __call__(self, *arguments: object) -> object:
        return self._function(*arguments)

    def __setstate__(self, state: object) -> None:
        raise _RefusedError("the pickle alters a function")


class _DType:
    """What a pickle says about an array's dtype: numpy.dtype(code), then its byte order."""

    def __init__(self, code: object, *_: object) -> None:
        if not isinstance(code, str):
            raise TypeError("a dtype is not named by a string")
        if not re.fullmatch(r"f[248]|[iu][1248]|b1", code):
            kind = "Python objects" if code.startswith("O") else f"dtype {code:.40}"
            raise _RefusedError(f"it holds an array of {kind}")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = state[1]
        if order not in ("<", ">", "=", "|"):
            raise ValueError("unknown byte order")
        self.dtype = self.dtype.newbyteorder(order)


class _Array(np.ndarray[Any, Any]):
    """An array whose size is checked against its data before any memory is taken."""

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, is_fortran, data = state
        data = _as_bytes(data)
        if not all(type(length) is int and length >= 0 for length in shape):
            raise ValueError("an array's shape is not a tuple of sizes")
        if math.prod(shape) * dtype.dtype.itemsize != len(data):
            raise ValueError(f"an array of shape {shape} has {len(data)} bytes of data")
        checked: Any = (1, shape, dtype.dtype, bool(is_fortran), data)
        super().__setstate__(checked)


def _empty_array(*_: object) -> _Array:
    return _Array.__new__(_Array, (0,), np.int8)


def _array_of_buffer(buffer: object, dtype: object, shape: object, order: object) -> _Array:
    array = _empty_array()
    array.__setstate__((1, shape, dtype, order == "F", buffer))
    return array


def _scalar(dtype: _DType, data: object) -> object:
    return np.frombuffer(_as_bytes(data), dtype.dtype, count=1)[0].item()


def _encode(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise _RefusedError("the pickle asks for an encoding other than latin1")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    return b""


def _as_bytes(data: object) -> bytes:
    if isinstance(data, str):
        return data.encode("latin1")
    if isinstance(data, bytes | bytearray):
        return bytes(data)
    raise ValueError(f"an array's data is a {type(data).__name__}")


_ADMITTED: dict[tuple[str, str], object] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("_codecs", "encode"): _StandIn(_encode),  # how protocols 0 to 2 write bytes
    ("__builtin__", "bytes"): _StandIn(_no_bytes),  # and empty ones
    ("numpy", "ndarray"): None,  # only handed to _reconstruct, which needs no telling
    ("numpy", "dtype"): _DType,
}
for _core in ("numpy.core", "numpy._core"):  # numpy 1 and numpy 2
    _ADMITTED[f"{_core}.multiarray", "_reconstruct"] = _StandIn(_empty_array)
    _ADMITTED[f"{_core}.multiarray", "scalar"] = _StandIn(_scalar)
    _ADMITTED[f"{_core}.numeric", "_frombuffer"] = _StandIn(_array_of_buffer)
