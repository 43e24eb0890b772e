"""`python -m client evaluate` as a process of its own, and what it has written so far."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from client.result_files import COCO_RESULTS, RESULTS
from tests.reliability.service import ROOT, wait_until

POLL_SECS = 0.01
LONGEST_SECS = 300.0


class Evaluation:
    """One data set sent to one server. `output` may be used again, to resume.

    Args:
        options: more of them for `evaluate`.
    """

    def __init__(self, dataset: Path, url: str, output: Path, options: Sequence[str] = ()) -> None:
        self.output = output
        self.printed = ""
        self._grown_at = [time.monotonic()]
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "client", "evaluate", "--url", url),
                *("--images", dataset / "images", "--annotations", dataset / "instances.json"),
                *("--output", output),
                *options,
            ],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def finished(self) -> int:
        """Pictures whose results are in the file."""
        return len(result_lines(self.output))

    def wait_for(self, finished: int) -> None:
        """Returns when so many pictures are finished."""
        wait_until(
            lambda: self.finished() >= finished or self._process.poll() is not None,
            f"{finished} finished pictures",
        )
        assert self.finished() >= finished, self.wait()

    def wait(self) -> tuple[int, str]:
        """Waits for its end; returns its exit code and what it printed to stderr."""
        if not self.printed:
            self.printed = self._process.communicate(timeout=LONGEST_SECS)[1]
        self._watcher.join()
        return self._process.returncode, self.printed

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def longest_pause(self, since: float) -> float:
        """The most seconds without a new result after the moment `since` of time.monotonic()."""
        moments = [since, *(moment for moment in self._grown_at if moment > since)]
        return max(after - before for before, after in itertools.pairwise(moments))

    def _watch(self) -> None:
        size = 0
        while self._process.poll() is None:
            file = self.output / RESULTS
            now_size = file.stat().st_size if file.exists() else 0
            if now_size != size:
                size = now_size
                self._grown_at.append(time.monotonic())
            time.sleep(POLL_SECS)


def result_lines(output: Path) -> list[bytes]:
    """The complete lines of the results file, one for each finished picture."""
    file = output / RESULTS
    return file.read_bytes().split(b"\n")[1:-1] if file.exists() else []


def lost(acknowledged: Sequence[bytes], output: Path, undisturbed: Path) -> int:
    """How many pictures have no result, or another one than in an undisturbed run.

    Nothing that was once `acknowledged`, a line of the results file, may have changed.
    """
    expected, found = map(_answers, (undisturbed, output))
    wrong = {image for image in expected if found.get(image) != expected[image]}
    kept = set(result_lines(output))
    return len(wrong | {json.loads(line)["image_id"] for line in acknowledged if line not in kept})


def _answers(output: Path) -> dict[int, list[dict[str, Any]]]:
    """By the picture's id, whenever they came."""
    return {line["image_id"]: line["results"] for line in map(json.loads, result_lines(output))}


def same_results(output: Path, undisturbed: Path) -> bool:
    """Whether the files in COCO's format are equal, byte by byte."""
    one, other = ((folder / COCO_RESULTS).read_bytes() for folder in (output, undisturbed))
    return one == other
