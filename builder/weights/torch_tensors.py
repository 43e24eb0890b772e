"""The tensors of a file of torch.save, rebuilt with NumPy from its storages.

A storage is a vector of numbers; a tensor is a size, strides and an offset into one, which others
may share. The pickle names torch's functions that put them together (pytorch, `torch/_utils.py`);
here it is given functions that note what they are called with, so that only the tensors that are
asked for are read.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from builder.errors import BuildError
from builder.weights.torch_archive import TorchArchive
from builder.weights.unpickler import MOST_DIMENSIONS, Dictionary, RefusedError, StandIn

_BFLOAT16 = "bfloat16"  # NumPy has none: the upper half of a float32

_STORED_AS = {
    "float64": "f8",
    "float32": "f4",
    "float16": "f2",
    _BFLOAT16: "u2",
    **{f"int{8 * size}": f"i{size}" for size in (1, 2, 4, 8)},
    **{f"uint{8 * size}": f"u{size}" for size in (1, 2, 4, 8)},
    "bool": "b1",
}
"""torch's dtypes, as NumPy's."""

_STORAGES = {
    "Double": "float64",
    "Float": "float32",
    "Half": "float16",
    "BFloat16": _BFLOAT16,
    "Long": "int64",
    "Int": "int32",
    "Short": "int16",
    "Char": "int8",
    "Byte": "uint8",
    "Bool": "bool",
}


class Storage(NamedTuple):
    """A vector of numbers in the file. Like `Tensor` a tuple, which a pickle cannot alter."""

    dtype: str
    key: str
    length: int


class Tensor(NamedTuple):
    """A tensor, as unchecked as the pickle that it is from.

    Sizes, strides and offset count numbers, not bytes.
    """

    storage: Any
    offset: Any
    size: Any
    stride: Any
    dtype: Any


class Storages:
    """Reads the storages of a file, each at most once."""

    def __init__(self, path: Path, archive: TorchArchive) -> None:
        self._path = path
        self._archive = archive
        self._read: dict[tuple[str, str], npt.NDArray[Any]] = {}
        order = bytes(archive.read("byteorder")) if "byteorder" in archive else b"little"
        if order not in (b"little", b"big"):
            raise BuildError(f"{path}: its byte order is {order[:20]!r}; expected little or big")
        self._order = "<" if order == b"little" else ">"

    def array(self, name: str, tensor: Tensor) -> npt.NDArray[Any]:
        """The tensor's numbers; bfloat16 as float32.

        Args:
            name: the tensor's, for the message.
            tensor: from this file's pickle.

        Returns:
            A view of the storage, as strided as the tensor is.

        Raises:
            BuildError: the tensor reaches out of its storage, or that is damaged.
        """
        where = f"{self._path}: {name:.200}"
        storage, offset, size, stride, dtype = tensor
        if not (
            isinstance(storage, Storage)
            and isinstance(dtype, str)
            and dtype in _STORED_AS
            and _are_counts((offset,))
            and _are_counts(size)
            and _are_counts(stride)
            and len(size) == len(stride)
        ):
            raise BuildError(f"{where}: is described in no way in which torch describes a tensor")
        if storage.dtype not in ("uint8", dtype):
            raise BuildError(f"{where}: is {dtype}, but its storage {storage.dtype}")
        numbers = self._numbers(where, storage, dtype)
        last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        try:
            if 0 in size:
                return np.empty(size, numbers.dtype)
            if last >= len(numbers):
                raise ValueError
            item = numbers.itemsize
            return np.ndarray(
                size, numbers.dtype, numbers, offset * item, [item * n for n in stride]
            )
        except ValueError:  # also of NumPy's, about sizes that no array can have
            raise BuildError(
                f"{where}: is not within its storage: size {size}, strides {stride} and offset "
                f"{offset}, in {len(numbers)} numbers"
            ) from None

    def _numbers(self, where: str, storage: Storage, dtype: str) -> npt.NDArray[Any]:
        entry = f"data/{storage.key}"
        if (entry, dtype) not in self._read:
            expected = storage.length * np.dtype(_STORED_AS[storage.dtype]).itemsize
            if (found := self._archive.size(entry)) != expected:
                raise BuildError(
                    f"{where}: its storage {entry:.80} has {found} bytes; expected {expected} for "
                    f"{storage.length} × {storage.dtype}"
                )
            stored = np.dtype(self._order + _STORED_AS[dtype])
            data = self._archive.read(entry)
            numbers = data[: len(data) // stored.itemsize * stored.itemsize].view(stored)
            if dtype == _BFLOAT16:
                numbers = (numbers.astype(np.uint32) << 16).view(np.float32)
            self._read[entry, dtype] = numbers.astype(numbers.dtype.newbyteorder("="), copy=False)
        return self._read[entry, dtype]


def storage_of(pid: object) -> Storage:
    """The storage that a persistent id of the pickle names."""
    if (
        not isinstance(pid, tuple)
        or len(pid) != 5
        or not all(isinstance(part, str) for part in pid[:3])
        or pid[0] != "storage"
        or pid[1] not in _STORED_AS
        or not _are_counts(pid[4:])
    ):
        raise ValueError("a storage is described in no way in which torch describes one")
    _, dtype, key, _, length = pid
    return Storage(dtype, key, length)


def _are_counts(values: object) -> bool:
    return (
        isinstance(values, tuple)
        and len(values) <= MOST_DIMENSIONS
        and all(type(value) is int and 0 <= value <= sys.maxsize for value in values)
    )


def _rebuild_tensor(storage: Any, offset: Any, size: Any, stride: Any) -> Tensor:
    return Tensor(storage, offset, size, stride, getattr(storage, "dtype", None))


def _rebuild_tensor_v2(
    storage: Any, offset: Any, size: Any, stride: Any, _grad: Any, _hooks: Any, metadata: Any = None
) -> Tensor:
    if metadata:
        raise RefusedError(
            "it holds a tensor that is to be negated when it is read",
            "Save it after `.resolve_neg()`",
        )
    return _rebuild_tensor(storage, offset, size, stride)


def _rebuild_tensor_v3(
    storage: Any,
    offset: Any,
    size: Any,
    stride: Any,
    grad: Any,
    hooks: Any,
    dtype: Any,
    metadata: Any = None,
) -> Tensor:
    return _rebuild_tensor_v2(storage, offset, size, stride, grad, hooks, metadata)._replace(
        dtype=dtype
    )


def _rebuild_parameter(data: object, *_: object) -> object:
    return data


def _rebuild_from_type(function: object, _type: object, arguments: object, _: object) -> object:
    if not isinstance(function, StandIn) or not isinstance(arguments, tuple):
        raise ValueError("a tensor with attributes is rebuilt by no function")
    return function(*arguments)


class _PassedOver:
    """Stands in the place of what is of no use here, and is whatever the pickle says."""

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


class _PassedOverDictionary(Dictionary):
    def __init__(self, *_: object) -> None:
        super().__init__()


ADMITTED: dict[tuple[str, str], object] = {
    **{("torch", f"{kind}Storage"): dtype for kind, dtype in _STORAGES.items()},
    ("torch.storage", "UntypedStorage"): "uint8",
    **{("torch", dtype): dtype for dtype in _STORED_AS},
    ("torch._utils", "_rebuild_tensor"): StandIn(_rebuild_tensor),
    ("torch._utils", "_rebuild_tensor_v2"): StandIn(_rebuild_tensor_v2),
    ("torch._utils", "_rebuild_tensor_v3"): StandIn(_rebuild_tensor_v3),
    ("torch._utils", "_rebuild_parameter"): StandIn(_rebuild_parameter),
    ("torch._utils", "_rebuild_parameter_with_state"): StandIn(_rebuild_parameter),
    ("torch._tensor", "_rebuild_from_type_v2"): StandIn(_rebuild_from_type),
    ("torch", "Tensor"): None,  # only handed to _rebuild_from_type, which needs no telling
    ("torch.nn.parameter", "Parameter"): None,
    # What training scripts write beside a model:
    **{
        name: _PassedOver
        for name in (
            ("torch", "Size"),
            ("torch", "device"),
            ("torch.torch_version", "TorchVersion"),
            ("__builtin__", "set"),
            ("collections", "Counter"),
            ("argparse", "Namespace"),
            ("pathlib", "PosixPath"),
            ("pathlib", "WindowsPath"),
        )
    },
    **{
        name: _PassedOverDictionary
        for name in (
            ("__builtin__", "dict"),
            ("__builtin__", "list"),
            ("__builtin__", "int"),
            ("collections", "defaultdict"),
            ("detectron2.config.config", "CfgNode"),
            ("fvcore.common.config", "CfgNode"),
            ("yacs.config", "CfgNode"),
            ("lightning.fabric.utilities.data", "AttributeDict"),
            ("lightning_fabric.utilities.data", "AttributeDict"),
            ("pytorch_lightning.utilities.parsing", "AttributeDict"),
        )
    },
}
"""What the pickle of a file of torch.save may name beside arrays, by module and name."""
