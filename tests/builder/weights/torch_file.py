"""Writes what torch.save writes, without torch, and what it never would."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

STORAGES = {
    "f8": "DoubleStorage",
    "f4": "FloatStorage",
    "f2": "HalfStorage",
    "i8": "LongStorage",
    "i4": "IntStorage",
    "u1": "ByteStorage",
    "b1": "BoolStorage",
}


class Named:
    """Is pickled as a name that need not exist here."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __call__(self) -> None:
        """Only what is callable may be pickled as a function."""


class Storage:
    """Numbers that tensors share."""

    def __init__(self, numbers: npt.NDArray[Any], kind: str | None = None) -> None:
        self.numbers = numbers
        self.kind = kind or STORAGES[numbers.dtype.str[1:]]


class Tensor:
    """A tensor in a storage; size, stride and offset count numbers."""

    def __init__(self, storage: object, offset: object, size: object, stride: object) -> None:
        self.arguments: tuple[object, ...] = (storage, offset, size, stride, False, OrderedDict())

    def __reduce__(self) -> tuple[Named, tuple[object, ...]]:
        return Named("torch._utils", "_rebuild_tensor_v2"), self.arguments


def tensor_of(array: npt.NDArray[Any], storage: Storage | None = None) -> Tensor:
    """The array as a tensor of its own, or as the view that it is of a storage's numbers."""
    if storage is None:
        array = np.ascontiguousarray(array)
        storage = Storage(array.reshape(-1))
    size = array.itemsize
    distance = array.__array_interface__["data"][0] - _address(storage.numbers)
    return Tensor(storage, distance // size, array.shape, tuple(n // size for n in array.strides))


def as_tensors(arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, Tensor]:
    """Each array as a tensor of its own."""
    return {name: tensor_of(array) for name, array in arrays.items()}


def _address(array: npt.NDArray[Any]) -> int:
    return int(array.__array_interface__["data"][0])


class _Pickler(pickle._Pickler):
    dispatch: ClassVar[dict[Any, Any]] = {
        **pickle._Pickler.dispatch,
        Named: lambda self, named: self.write(f"c{named.module}\n{named.name}\n".encode()),
    }

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, protocol=2)
        self.storages: list[Storage] = []

    def persistent_id(self, obj: object) -> object:
        if not isinstance(obj, Storage):
            return None
        if obj not in self.storages:
            self.storages.append(obj)
        key = str(self.storages.index(obj))
        return ("storage", Named("torch", obj.kind), key, "cpu", len(obj.numbers))


def entries(checkpoint: object) -> dict[str, bytes]:
    """The entries of the file, by name within its folder."""
    file = io.BytesIO()
    pickler = _Pickler(file)
    pickler.dump(checkpoint)
    data = {f"data/{n}": s.numbers.tobytes() for n, s in enumerate(pickler.storages)}
    return {"data.pkl": file.getvalue(), **data, "version": b"3\n"}


def zipped(content: Mapping[str, bytes], folder: str = "archive") -> bytes:
    """The file of these entries."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in content.items():
            archive.writestr(zipfile.ZipInfo(f"{folder}/{name}"), data)
    return file.getvalue()


def write_torch(path: Path, checkpoint: object) -> Path:
    path.write_bytes(zipped(entries(checkpoint)))
    return path
