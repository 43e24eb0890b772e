"""Folders on this machine and in object storage, as fsspec and PyArrow know them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import fsspec
import pyarrow.fs
from fsspec.implementations.local import LocalFileSystem

from artifact.json_text import parse_json
from client.errors import ClientError


@dataclass(frozen=True)
class Place:
    """A folder or a file."""

    fs: fsspec.AbstractFileSystem
    path: str
    """As `fs` names it: absolute, without the protocol."""

    @classmethod
    def of(cls, url: str, option: str) -> Place:
        """What a URL such as `s3://bucket/folder` or a path on this machine stands for.

        Args:
            url: what was given.
            option: by which option of the command line.

        Raises:
            ClientError: it is of a protocol that is not known, or whose package is missing.
        """
        if "::" in url:
            raise ClientError(f"{option}: {url} is in an archive: unpack it first")
        try:
            fs, path = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            # fsspec says which package is missing, and which protocols it knows.
            raise ClientError(f"{option}: cannot use {url}: {error}") from error
        return cls(fs, path.rstrip("/") or "/")

    def __truediv__(self, name: str) -> Place:
        return Place(self.fs, f"{self.path.rstrip('/')}/{name}")

    def __str__(self) -> str:
        return self.path if self.is_local else self.fs.unstrip_protocol(self.path)

    @property
    def is_local(self) -> bool:
        """On this machine."""
        return isinstance(self.fs, LocalFileSystem)

    @property
    def arrow(self) -> pyarrow.fs.FileSystem:
        """The file system, for PyArrow and Ray Data."""
        return pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(self.fs))

    def files(self, suffix: str = "") -> list[Place]:
        """The files with this suffix in the folder and in all folders in it, by name; none where it
        is not there."""
        self.fs.invalidate_cache()
        if not self.fs.exists(self.path):
            return []
        return [Place(self.fs, each) for each in self.fs.find(self.path) if each.endswith(suffix)]

    def open_new(self) -> Any:
        """The file to be written, in a folder that is made where it is missing.

        Raises:
            ClientError: it cannot be written.
        """
        try:
            self.fs.makedirs(self.fs._parent(self.path), exist_ok=True)
            return self.fs.open(self.path, "wb")
        except Exception as error:  # each object storage has its own
            reason = str(error) or type(error).__name__
            raise ClientError(f"--output: cannot write {self}: {reason}") from error

    def read_json(self) -> Any:
        """The JSON value in the file.

        Raises:
            ClientError: it is none.
        """
        try:
            return parse_json(self.fs.cat_file(self.path))
        except ValueError as error:
            raise ClientError(
                f"{self} is damaged: {error}. Start anew with another --output."
            ) from error

    def write_json(self, value: Any, *, indent: int | None = 1) -> None:
        """Write a JSON value, of which nobody sees a half: under another name first."""
        content = json.dumps(value, indent=indent, allow_nan=False) + "\n"
        unfinished = Place(self.fs, f"{self.path}.partial")
        with unfinished.open_new() as file:
            file.write(content.encode())
        self.fs.mv(unfinished.path, self.path)
