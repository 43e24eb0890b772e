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

from artifact.json_text import parse_json
from client.coco.dataset import CocoImage
from client.coco.result_format import CocoResult, fault_of_results
from client.coco.shard import Shard
from client.coco.timing import Timing
from client.differences import differences
from client.errors import ClientError

FORMAT = 2
HEADER_TYPES = {"format": int, "run": dict}
LINE_TYPES = {"image_id": int, "file_size": int, "results": list}

HOW_TO_MEND = "Delete that line to resume without it, or start anew with another --output."


def describe_run(
    pictures: dict[str, Any], model: dict[str, Any], shard: Shard | None = None
) -> dict[str, Any]:
    """What decides the content of a results file, as its header has it.

    Args:
        pictures: `CocoDataset.pictures`. What else annotations say decides no answer, so they can
            be mended between two runs.
        model: what decides the answers, for the served model and for each model in it.
        shard: the share that is evaluated; None for all pictures.
    """
    run: dict[str, Any] = {"pictures": pictures, "model": model}
    return run if shard is None else {**run, "shard": str(shard)}


class ResultsFile:
    """An open results file, and what it holds.

    Only one process can have it open; close it, or use it as a context manager.

    Args:
        path: the file; its folder is made where it is missing.
        run: `describe_run`.
        resume: continue what is there; otherwise there must be no finished picture in it.

    Raises:
        ClientError: a run is there and `resume` is False; the run there is another one; the file is
            damaged, in use, or cannot be written.
    """

    def __init__(self, path: Path, run: dict[str, Any], *, resume: bool) -> None:
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

    def timings(self, images: Iterable[CocoImage]) -> list[Timing]:
        """Of the finished ones among `images`, where they are known."""
        lines = (self._lines[image.id] for image in images if image.id in self._lines)
        return [timing for line in lines if (timing := Timing.of_line(line))]

    def append(
        self,
        image: CocoImage,
        file_size: int,
        results: list[CocoResult],
        timing: Timing | None = None,
    ) -> None:
        """Write that `image`, a file of `file_size` bytes, is finished.

        Args:
            timing: of its request; None where that is not known.

        Raises:
            ClientError: the file cannot be written.
        """
        line: dict[str, Any] = {
            "image_id": image.id,
            "file_size": file_size,
            "results": results,
        }
        if timing is not None:
            line["timing"] = timing.to_json()
        self._write(line)
        self._lines[image.id] = line

    def check(self, images: Iterable[CocoImage]) -> None:
        """Refuse to go on with pictures that are no longer what was sent, or damaged results.

        Raises:
            ClientError: the file of a finished picture has another size than it had; its results
                cannot be those of the picture.
        """
        for image in images:
            line = self._lines.get(image.id)
            if line is None:
                continue
            check_line(self.path, image, line)
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
        header, lines = _parse(self.path, content)
        if lines and not resume:
            raise ClientError(
                f"{self.path.parent} holds a run already, with {len(lines)} finished pictures: "
                "continue it with --resume, choose another --output, or delete that folder"
            )
        expected = {"format": FORMAT, "run": run}
        if lines and header.get("format") != FORMAT:
            raise ClientError(f"cannot resume: {_other_format(self.path, header)}")
        if lines and header != expected:
            difference = "; ".join(
                f"{path.removeprefix('run.')} was {before}, now {now}"
                for path, before, now in differences(header, expected)
            )
            raise ClientError(
                f"cannot resume {self.path}, it is another run: {difference}. "
                "Start anew with another --output."
            )
        self._lines = lines
        if lines:
            os.truncate(self._file, content.rindex(b"\n") + 1)
        else:
            os.truncate(self._file, 0)
            self._write(expected)

    def _write(self, line: dict[str, Any]) -> None:
        whole = os.fstat(self._file).st_size
        rest = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            # Another answer may be written before the run ends, and must not follow half a line.
            os.truncate(self._file, whole)
            raise ClientError(
                f"cannot write {self.path}: {error.strerror}. Every earlier line of it is kept: "
                "mend that, then continue with --resume."
            ) from error


def read_results(path: Path) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
    """The run that a results file is of, and the line of each finished picture by its id.

    Raises:
        ClientError: there is no such file, it is damaged, or an evaluation still writes it.
    """
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            content = file.read()
    except BlockingIOError as error:
        raise ClientError(f"{path} is being written by an evaluation: wait for its end") from error
    except OSError as error:
        raise ClientError(f"cannot read {path}: {error.strerror}") from error
    header, lines = _parse(path, content)
    if header.get("format") != FORMAT:
        raise ClientError(_other_format(path, header))
    return header["run"], lines


def check_line(path: Path, image: CocoImage, line: dict[str, Any]) -> None:
    """Refuse the line of a picture that cannot be what was answered for it.

    Raises:
        ClientError: with what is wrong.
    """
    fault = fault_of_results(image, line["results"])
    if fault is not None:
        raise ClientError(
            f"the line of image_id {image.id} in {path} is damaged: {fault}. {HOW_TO_MEND}"
        )


def _other_format(path: Path, header: dict[str, Any]) -> str:
    return (
        f"{path} is not the results of an evaluation in format {FORMAT}, which this version writes "
        f"and reads, but in format {header.get('format')}. Evaluate anew with another --output."
    )


def _parse(path: Path, content: bytes) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
    complete, _, _ = content.rpartition(b"\n")
    header, *lines = [_parse_line(path, n, t) for n, t in enumerate(complete.split(b"\n"), 1)]
    return header, {line["image_id"]: line for line in lines}


def _parse_line(path: Path, number: int, text: bytes) -> dict[str, Any]:
    if number == 1 and not text:
        return {}
    types = LINE_TYPES if number > 1 else HEADER_TYPES
    try:
        line = parse_json(text)
        fitting = all(type(line[name]) is kind for name, kind in types.items())
    except (ValueError, KeyError, TypeError):
        fitting = False
    if not fitting:
        raise ClientError(f"line {number} of {path} is damaged: {text[:60]!r}. {HOW_TO_MEND}")
    return line
