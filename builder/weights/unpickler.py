"""Pickles of arrays and plain containers, read so that nothing in them can run.

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
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np

from builder.errors import BuildError

MOST_DIMENSIONS = 32
"""Of NumPy 1; the product of many more numbers would take long."""


class RefusedError(pickle.UnpicklingError):
    """The pickle is whole, but asks for something that weights do not need.

    Args:
        reason: what it asks for.
        advice: what to do, or what this means.
    """

    def __init__(
        self,
        reason: str,
        advice: str = "Weights are arrays of numbers in dictionaries; a file that asks for more "
        "may be malicious",
    ) -> None:
        super().__init__(reason)
        self.advice = advice


def unpickle(path: Path, unpickler: ArrayUnpickler) -> object:
    """What the pickle holds.

    Args:
        path: names the file in the message.
        unpickler: at the start of the pickle.

    Raises:
        BuildError: the pickle asks for more than the unpickler admits, or is damaged.
    """
    try:
        return unpickler.load()
    except RefusedError as error:
        raise BuildError(
            f"{path}: is refused: {error}. Nothing in it was run. {error.advice}"
        ) from error
    except Exception as error:  # a damaged pickle raises whatever its opcodes lead to
        reason = f"{type(error).__name__}: {error}"
        raise BuildError(
            f"{path}: does not hold a complete pickle ({reason:.200}); copy or download it again"
        ) from error


def _load_bytearray8(unpickler: Any) -> None:
    """Reads before it allocates; the inherited one allocates whatever size is announced."""
    size = int.from_bytes(unpickler.read(8), "little")
    unpickler.append(bytearray(unpickler.read(size)))


def _load_setitem(unpickler: Any) -> None:
    _check_dict(unpickler.stack[-3], unpickler.stack[-2:-1])
    pickle._Unpickler.dispatch[pickle.SETITEM[0]](unpickler)


def _load_setitems(unpickler: Any) -> None:
    # The items stand above a mark, what they go into below it.
    _check_dict(unpickler.metastack[-1][-1], unpickler.stack[::2])
    pickle._Unpickler.dispatch[pickle.SETITEMS[0]](unpickler)


def _load_dict(unpickler: Any) -> None:
    _check_keys(unpickler.stack[::2])
    pickle._Unpickler.dispatch[pickle.DICT[0]](unpickler)


def _load_set(unpickler: Any) -> None:
    raise RefusedError("the pickle asks for a set")


def _load_reduce(unpickler: Any) -> None:
    """Python would otherwise name the function in its complaint, which may be 40 pairs, each of
    the one before it twice."""
    if not isinstance(unpickler.stack[-1], tuple):
        raise ValueError("the arguments of a function are no tuple")
    pickle._Unpickler.dispatch[pickle.REDUCE[0]](unpickler)


def _check_dict(target: object, keys: Iterable[object]) -> None:
    if not isinstance(target, dict):
        raise ValueError(f"items are put into a {type(target).__name__}")
    _check_keys(keys)


def _check_keys(keys: Iterable[object]) -> None:
    """Refuses all keys that hold others: hashing 40 tuples, each of the one before it twice, takes
    2**40 steps."""
    for key in keys:
        if not isinstance(key, str | int | float | bytes | None):
            raise ValueError(f"the key of an item is a {type(key).__name__}")


class ArrayUnpickler(pickle._Unpickler):
    """Python's own unpickler in Python, not in C: its memo is a dictionary, so that a short file
    cannot ask for gigabytes by numbering its objects high."""

    dispatch: ClassVar[dict[int, Callable[..., None]]] = {
        **pickle._Unpickler.dispatch,
        pickle.BYTEARRAY8[0]: _load_bytearray8,
        pickle.REDUCE[0]: _load_reduce,
        pickle.SETITEM[0]: _load_setitem,
        pickle.SETITEMS[0]: _load_setitems,
        pickle.DICT[0]: _load_dict,
        pickle.EMPTY_SET[0]: _load_set,
        pickle.FROZENSET[0]: _load_set,
    }

    def __init__(
        self, file: BinaryIO | mmap.mmap, size: int, admitted: Mapping[tuple[str, str], object]
    ) -> None:
        """
        Args:
            file: holds the pickle.
            size: of the pickle, in bytes; its arrays may take as much.
            admitted: what it may name beside numpy's arrays, by module and name.
        """
        super().__init__(file, encoding="latin1")  # what Python 2 wrote as str
        # Before protocol 3 the bytes of an array are first text.
        self._admitted = {**_arrays(_Memory(2 * size)), **admitted}

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._admitted[module, name]
        except KeyError:
            raise RefusedError(f"the pickle asks for {module:.80}.{name:.80}") from None

    def persistent_load(self, pid: Any) -> Any:
        raise RefusedError("the pickle asks for data outside itself")


class StandIn:
    """Is called by the pickle in place of a function of numpy, and cannot be altered by it."""

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function

    def __call__(self, *arguments: object) -> object:
        return self._function(*arguments)

    def __setstate__(self, state: object) -> None:
        raise RefusedError("the pickle alters a function")


class _DType:
    """What a pickle says about an array's dtype: numpy.dtype(code), then its byte order."""

    def __init__(self, code: object, *_: object) -> None:
        if not isinstance(code, str):
            raise TypeError("a dtype is not named by a string")
        if not re.fullmatch(r"f[248]|[iu][1248]|b1", code):
            kind = "Python objects" if code.startswith("O") else f"dtype {code:.40}"
            raise RefusedError(f"it holds an array of {kind}")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = state[1]
        if order not in ("<", ">", "=", "|"):
            raise ValueError("unknown byte order")
        self.dtype = self.dtype.newbyteorder(order)


class Dictionary(OrderedDict[Any, Any]):
    """Takes the items of an OrderedDict and none of its attributes, which could hide methods."""

    def __init__(self, items: Iterable[Iterable[object]] = ()) -> None:
        super().__init__()
        for key, value in items:
            _check_keys([key])
            self[key] = value

    def __setstate__(self, state: object) -> None:
        """`_metadata` in a state dict of torch, say."""


class _Memory:
    """What the arrays of a file may take, because they may all ask for the same data in it.

    Args:
        size: in bytes.
    """

    def __init__(self, size: int) -> None:
        self._left = size

    def take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise ValueError("its arrays are larger than the file")


class _Array(np.ndarray[Any, Any]):
    """An array whose size is checked against its data before any memory is taken."""

    memory: _Memory

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, is_fortran, data = state
        data = _as_bytes(data)
        if len(shape) > MOST_DIMENSIONS or not all(
            type(length) is int and length >= 0 for length in shape
        ):
            raise ValueError("an array's shape is not a tuple of sizes")
        if math.prod(shape) * dtype.dtype.itemsize != len(data):
            raise ValueError(f"an array of shape {shape} has {len(data)} bytes of data")
        self.memory.take(len(data))
        checked: Any = (1, shape, dtype.dtype, bool(is_fortran), data)
        super().__setstate__(checked)


def _scalar(dtype: _DType, data: object) -> object:
    return np.frombuffer(_as_bytes(data), dtype.dtype, count=1)[0].item()


def _no_bytes() -> bytes:
    return b""


def _as_bytes(data: object) -> bytes:
    if isinstance(data, str):
        return data.encode("latin1")
    if isinstance(data, bytes | bytearray):
        return bytes(data)
    raise ValueError(f"an array's data is a {type(data).__name__}")


def _arrays(memory: _Memory) -> dict[tuple[str, str], object]:
    """What a pickle of arrays names, by module and name."""

    def empty_array(*_: object) -> _Array:
        array = _Array.__new__(_Array, (0,), np.int8)
        array.memory = memory
        return array

    def array_of_buffer(buffer: object, dtype: object, shape: object, order: object) -> _Array:
        array = empty_array()
        array.__setstate__((1, shape, dtype, order == "F", buffer))
        return array

    def encode(text: str, encoding: str) -> bytes:
        if encoding != "latin1":
            raise RefusedError("the pickle asks for an encoding other than latin1")
        memory.take(len(text))
        return text.encode("latin1")

    admitted: dict[tuple[str, str], object] = {
        ("collections", "OrderedDict"): Dictionary,
        ("_codecs", "encode"): StandIn(encode),  # how protocols 0 to 2 write bytes
        ("__builtin__", "bytes"): StandIn(_no_bytes),  # and empty ones
        ("numpy", "ndarray"): None,  # only handed to _reconstruct, which needs no telling
        ("numpy", "dtype"): _DType,
    }
    for core in ("numpy.core", "numpy._core"):  # numpy 1 and numpy 2
        admitted[f"{core}.multiarray", "_reconstruct"] = StandIn(empty_array)
        admitted[f"{core}.multiarray", "scalar"] = StandIn(_scalar)
        admitted[f"{core}.numeric", "_frombuffer"] = StandIn(array_of_buffer)
    return admitted
