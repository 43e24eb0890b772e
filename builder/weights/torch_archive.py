"""The zip files that torch has written since 1.6, read where their entries lie.

Such a file holds one folder: `data.pkl`, a pickle of everything but the numbers, and the numbers
in `data/0`, `data/1`, … torch compresses none of them (pytorch, `caffe2/serialize/
inline_container.h`), so each is a range of the file's bytes, and nothing is ever unpacked.
"""

from __future__ import annotations

import mmap
import shlex
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from builder.errors import BuildError

_ZIP = b"PK\x03\x04"
_LEGACY = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The number with which torch began its files before 1.6, as any protocol but 0 pickles it."""

_LOCAL_HEADER = struct.Struct("<4s22xHH")
_ENCRYPTED, _UTF_8 = 0x1, 0x800
_PICKLE = "data.pkl"
_LISTED = 5


def is_torch_file(start: bytes) -> bool:
    """Whether a file that starts so, in 32 bytes, was written by torch.save."""
    return start.startswith(_ZIP) or _LEGACY in start


def conversion(path: Path, code: str) -> str:
    """The command that lets torch write a file anew.

    Args:
        path: the file.
        code: Python without double quotes; `old` and `new` are the names of the two files.
    """
    code = f"import sys, torch; old, new = sys.argv[1:]; {code}"
    names = shlex.join([str(path), str(path.with_name(f"{path.stem}_weights.pth"))])
    return f'\n  python -c "{code}" {names}'


class _Entry(NamedTuple):
    """Where in the file an entry's bytes lie."""

    header: int
    size: int
    checksum: int
    """CRC-32, or 0 where torch was told to write none."""
    name: bytes


class TorchArchive:
    """A file that torch.save wrote, of which single entries are read.

    Raises:
        BuildError: it is none, is cut short or damaged, or holds what only torch reads; the message
            says what to do.
    """

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        _check_start(path, file.read(32))
        infos = self._infos()
        self._folder = self._folder_of({info.filename for info in infos})
        self._entries: dict[str, _Entry] = {}
        for info in infos:
            self._add(info)
        if sum(entry.size for entry in self._entries.values()) > self._file.seek(0, 2):
            raise self._damaged("its entries are larger than the file")

    def __contains__(self, name: str) -> bool:
        return self._folder + name in self._entries

    def size(self, name: str) -> int:
        """In bytes, of an entry, which is named within the folder."""
        return self._entry(name).size

    def read(self, name: str) -> npt.NDArray[np.uint8]:
        """The bytes of an entry, checked against its checksum."""
        entry = self._entry(name)
        self._file.seek(entry.header)
        header = self._file.read(_LOCAL_HEADER.size)
        if len(header) < _LOCAL_HEADER.size:
            raise self._damaged(f"{name} is cut short")
        start, name_length, extra_length = _LOCAL_HEADER.unpack(header)
        if start != _ZIP or self._file.read(name_length) != entry.name:
            raise self._damaged(f"{name} is not where the list of entries says")
        self._file.seek(extra_length, 1)
        data = np.empty(entry.size, np.uint8)
        if self._file.readinto(data.data) < entry.size:  # type: ignore[attr-defined]
            raise self._damaged(f"{name} is cut short")
        if entry.checksum and zlib.crc32(data.data) != entry.checksum:
            raise self._damaged(f"{name} is not what its checksum says")
        return data

    def _infos(self) -> list[zipfile.ZipInfo]:
        try:
            # As a map, because the list's announced size would be allocated before it is read.
            with mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                file: Any = data  # has what zipfile calls, and not all that its type asks for
                infos = zipfile.ZipFile(file).infolist()
        except Exception as error:  # damage leaves zipfile as many exceptions
            raise self._damaged(f"it has no list of its entries ({error!s:.100})") from error
        return [info for info in infos if not info.filename.endswith("/")]

    def _folder_of(self, names: set[str]) -> str:
        folders = [
            name.removesuffix(_PICKLE)
            for name in names
            if name.count("/") == 1 and name.endswith(f"/{_PICKLE}")
        ]
        if len(folders) != 1:
            found = ", ".join(f"{name:.80}" for name in sorted(names)[:_LISTED]) or "nothing"
            raise BuildError(
                f"{self._path}: is a zip file that torch.save did not write: expected one folder "
                f"with {_PICKLE}; found: {found}"
            )
        (folder,) = folders
        if f"{folder}constants.pkl" in names or any(n.startswith(f"{folder}code/") for n in names):
            raise BuildError(
                f"{self._path}: is a TorchScript archive: the model's code and its weights. Write "
                f"its weights alone with torch, if you trust the file (it may run code), and give "
                f"the new one:"
                + conversion(
                    self._path,
                    "m = torch.jit.load(old, map_location='cpu'); "
                    "torch.save(dict(m.state_dict()), new)",
                )
            )
        return folder

    def _add(self, info: zipfile.ZipInfo) -> None:
        if info.filename in self._entries:
            raise self._damaged(f"{info.filename:.80} is there twice")
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & _ENCRYPTED:
            raise BuildError(
                f"{self._path}: {info.filename:.80} is compressed or encrypted, which torch.save "
                f"never does; unpack the file and pack its folder again with `zip -0 -r`"
            )
        if info.compress_size != info.file_size:
            raise self._damaged(f"{info.filename:.80} has two sizes")
        name = info.orig_filename.encode("utf-8" if info.flag_bits & _UTF_8 else "cp437")
        if info.header_offset < 0:
            raise self._damaged(f"{info.filename:.80} begins before the file")
        entry = _Entry(info.header_offset, info.file_size, info.CRC, name)
        self._entries[info.filename] = entry

    def _entry(self, name: str) -> _Entry:
        try:
            return self._entries[self._folder + name]
        except KeyError:
            raise self._damaged(f"{name:.80} is missing") from None

    def _damaged(self, reason: str) -> BuildError:
        return BuildError(
            f"{self._path}: is incomplete or damaged: {reason}; copy or download it again"
        )


def _check_start(path: Path, start: bytes) -> None:
    if start.startswith(_ZIP):
        return
    if _LEGACY in start:
        raise BuildError(
            f"{path}: has the format that torch wrote before 1.6, or writes with "
            f"_use_new_zipfile_serialization=False. Write it anew with torch, and give the new one:"
            + conversion(
                path,
                "c = torch.load(old, map_location='cpu', weights_only=True); torch.save(c, new)",
            )
        )
    if start.startswith(b"\x80"):
        raise BuildError(
            f"{path}: is a pickle, which torch.save did not write; if it is of detectron2's model "
            f"zoo, give it the suffix .pkl"
        )
    raise BuildError(
        f"{path}: is not a file that torch.save wrote (it begins with {start[:16]!r}); copy or "
        f"download it again"
    )
