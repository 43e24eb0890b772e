"""The text format .wts of tensorrtx.

The first line is the number of entries. Each further line is one entry: a name, the number of its
values, and each value as the 8 hexadecimal digits of a big-endian float32, all split by white
space (tensorrtx, `rcnn/gen_wts.py`). There are no shapes. BatchNorm is folded.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from artifact.whole_file import whole_file
from builder.errors import BuildError

CHUNK_BYTES = 1 << 20
"""Text held at a time; one line of R50-C4 is up to 85 MB, the file 323 MB."""

_WORD = re.compile(rb"[0-9a-fA-F]{8}")


def read_wts(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """All entries of the file, as vectors, in its order.

    Raises:
        BuildError: the file is cut short or is not a .wts; the message gives line and entry.
    """
    tensors: dict[str, npt.NDArray[np.float32]] = {}
    with path.open("rb") as file:
        announced = _entry_count(path, file.readline(CHUNK_BYTES))
        number = 1
        while start := file.readline(CHUNK_BYTES):
            number += 1
            if start.isspace():
                continue
            name, count, values = _header(f"{path}, line {number}", start)
            where = f"{path}, line {number}, {name}"
            if name in tensors:
                raise BuildError(f"{where}: is there a second time")
            tensors[name] = _values(where, count, values, file)
    if len(tensors) != announced:
        raise BuildError(
            f"{path}: the first line announces {announced} entries, {len(tensors)} follow; the "
            f"file is incomplete: copy or generate it again"
        )
    return tensors


def write_wts(path: Path, tensors: Mapping[str, npt.NDArray[np.float32]]) -> None:
    """Writes the tensors in their order, byte for byte as `gen_wts.py` lays them out.

    A file that was at `path` stays as it was until the new one is complete.

    Args:
        path: the file; its folder is made if it is missing.
        tensors: float32 of any shape, written in C order.

    Raises:
        BuildError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as unfinished, unfinished.open("wb") as file:
            file.write(b"%d\n" % len(tensors))
            for name, tensor in tensors.items():
                _write_entry(file, name, tensor.ravel())
    except OSError as error:
        raise BuildError(f"{path}: cannot be written: {error}") from error


def _write_entry(file: BinaryIO, name: str, values: npt.NDArray[np.float32]) -> None:
    file.write(f"{name} {values.size} ".encode())
    step = CHUNK_BYTES // len(b" 3f800000")
    for start in range(0, values.size, step):
        big_endian = values[start : start + step].astype(">f4").tobytes()
        file.write(b" " + binascii.hexlify(big_endian, b" ", 4))
    file.write(b"\n")


def _entry_count(path: Path, line: bytes) -> int:
    if not re.fullmatch(rb"\s*[0-9]{1,9}\s*", line):
        raise BuildError(
            f"{path}, line 1: {_excerpt(line)}; expected the number of entries, as in the .wts "
            f"files of tensorrtx"
        )
    return int(line)


def _header(where: str, start: bytes) -> tuple[str, int, bytes]:
    """Name, number of values, and the rest of `start`."""
    fields = start.split(maxsplit=2)
    if len(fields) < 2 or not re.fullmatch(rb"[0-9]{1,12}", fields[1]):
        raise BuildError(
            f"{where}: begins with {_excerpt(start)}; expected a tensor's name and its number of "
            f"values"
        )
    values = fields[2] if len(fields) > 2 else b"\n" * start.endswith(b"\n")
    return fields[0].decode(errors="backslashreplace"), int(fields[1]), values


def _values(where: str, count: int, text: bytes, file: BinaryIO) -> npt.NDArray[np.float32]:
    """The values in `text` and on the rest of the line that the file stands in."""
    data = bytearray()
    while True:
        at_end = text.endswith(b"\n")
        if not at_end:
            more = file.readline(CHUNK_BYTES)
            at_end = not more
        words = text.split()
        is_cut = not at_end and not text[-1:].isspace() and words and len(words[-1]) <= 8
        carried = words.pop() if is_cut else b""
        data += _bytes_of(words, where, len(data) // 4, count)
        if len(data) > 4 * count:
            raise BuildError(f"{where}: has more than the {count} values that it announces")
        if at_end:
            break
        text = carried + more
    if len(data) < 4 * count:
        raise BuildError(
            f"{where}: has {len(data) // 4} of the {count} values that it announces; the file is "
            f"incomplete: copy or generate it again"
        )
    return np.frombuffer(data, ">f4").astype(np.float32)


def _bytes_of(words: list[bytes], where: str, before: int, count: int) -> bytes:
    if all(len(word) == 8 for word in words):
        try:
            return binascii.unhexlify(b"".join(words))
        except binascii.Error:
            pass  # the word is named below
    bad, word = next((i, word) for i, word in enumerate(words) if not _WORD.fullmatch(word))
    raise BuildError(
        f"{where}: value {before + bad + 1} of {count} is {_excerpt(word)}; expected 8 hexadecimal "
        f"digits"
    )


def _excerpt(text: bytes) -> str:
    return repr(text[:40]).removeprefix("b") + "…" * (len(text) > 40)
