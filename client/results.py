"""The file that an evaluation writes as it goes, so that a broken one can be continued.

JSON, one line each: first a header that says what is evaluated, then one line for each finished
picture, written in one piece when its answer has come. A line without its end (the process was
killed, the disk was full) counts as not written.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

from client.coco import CocoImage, CocoResult
from client.errors import ClientError

FORMAT = 1


class ResultsFile:
    """An open results file, and what it holds.

    Only one process can have it open; close it, or use it as a context manager.
    """

    def __init__(self, path: Path, run: dict[str, Any], *, resume: bool) -> None:
        """Open `path` for a run, which is described by `run` (JSON values only).

        resume: continue what is there; otherwise there must be no finished picture in it.

        Raises:
            ClientError: a run is there and `resume` is False; the run there is another one; the
                file is damaged, in use, or cannot be written.
        """
        self.path = path
        self._lines: dict[int, dict[str, Any]] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise ClientError(f"cannot write {path}: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._read(run, resume)
        except BlockingIOError as error:
            os.close(self._file)
            raise ClientError(f"{path} is being written by another evaluation") from error
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> ResultsFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, image: CocoImage) -> bool:
        return image.id in self._lines

    def of(self, images: Iterable[CocoImage]) -> list[CocoResult]:
        """The results for the finished ones among `images`, in their order."""
        return [
            result
            for image in images
            if image.id in self._lines
            for result in self._lines[image.id]["results"]
        ]

    def append(self, image: CocoImage, file_size: int, results: list[CocoResult]) -> None:
        """Write that `image`, a file of `file_size` bytes, is finished.

        Raises:
            ClientError: the file cannot be written.
        """
        line = {"image_id": image.id, "file_size": file_size, "results": results}
        self._write(line)
        self._lines[image.id] = line

    def check_unchanged(self, images: Iterable[CocoImage]) -> None:
        """Refuse to go on with pictures that are no longer what was sent.

        Raises:
            ClientError: the file of a finished picture has another size than it had.
        """
        for image in images:
            line = self._lines.get(image.id)
            if line is None:
                continue
            size = image.path.stat().st_size
            if size != line["file_size"]:
                raise ClientError(
                    f"cannot resume {self.path}: {image.path} has {size} bytes and had "
                    f"{line['file_size']} when it was sent. Start anew with another --output."
                )

    def close(self) -> None:
        """Close the file; what was appended is already in it."""
        os.close(self._file)

    def _read(self, run: dict[str, Any], resume: bool) -> None:
        content = self.path.read_bytes()
        complete, _, _ = content.rpartition(b"\n")
        header, *lines = [self._parse(n, text) for n, text in enumerate(complete.split(b"\n"), 1)]
        if lines and not resume:
            raise ClientError(
                f"{self.path.parent} holds a run already, with {len(lines)} finished pictures: "
                "continue it with --resume, choose another --output, or delete that folder"
            )
        expected = {"format": FORMAT, "run": run}
        if lines and header != expected:
            difference = "; ".join(_differences(header, expected))
            raise ClientError(
                f"cannot resume {self.path}, it is another run: {difference}. "
                "Start anew with another --output."
            )
        self._lines = {line["image_id"]: line for line in lines}
        if lines:
            os.truncate(self._file, len(complete) + 1)
        else:
            os.truncate(self._file, 0)
            self._write(expected)

    def _parse(self, number: int, text: bytes) -> dict[str, Any]:
        if number == 1 and not text:
            return {}
        try:
            line = json.loads(text)
            if number > 1:
                line["image_id"], line["file_size"], line["results"]
        except (ValueError, KeyError, TypeError) as error:
            raise ClientError(
                f"line {number} of {self.path} is damaged: {text[:60]!r}. Delete that line to "
                "resume without it, or start anew with another --output."
            ) from error
        return line

    def _write(self, line: dict[str, Any]) -> None:
        rest = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            raise ClientError(
                f"cannot write {self.path}: {error.strerror}. Every earlier line of it is kept: "
                "mend that, then continue with --resume."
            ) from error


def _differences(found: Any, expected: Any, path: str = "") -> list[str]:
    if isinstance(found, dict) and isinstance(expected, dict):
        names = sorted(found.keys() | expected.keys())
        return [
            difference
            for name in names
            for difference in _differences(
                found.get(name), expected.get(name), f"{path}.{name}" if path else name
            )
        ]
    if found == expected:
        return []
    return [f"{path.removeprefix('run.')} was {str(found)[:60]}, now {str(expected)[:60]}"]
