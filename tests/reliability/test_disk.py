"""What is left of an evaluation whose results no longer fit on the disk."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.result_files import RESULTS
from tests.reliability.dataset import PICTURES
from tests.reliability.evaluation import result_lines
from tests.reliability.trial import Trial

SEEN_AS = "code 1: “cannot write … Every earlier line of it is kept: mend that, then continue …”"


@pytest.mark.parametrize("times", [1, pytest.param(10, marks=pytest.mark.long)])
def test_the_results_file_may_not_grow_any_more(trial: Trial, times: int) -> None:
    for attempt in range(times):
        evaluation = trial.start("--concurrency", "4")
        evaluation.wait_for(PICTURES // 4)
        results = evaluation.output / RESULTS
        # Not at the end of a line: what is written of the last one is of no use.
        limit = results.stat().st_size + 1000 + 37 * attempt
        resource.prlimit(evaluation.pid, resource.RLIMIT_FSIZE, (limit, limit))
        code, said = evaluation.wait()

        assert code == 1
        assert f"error: cannot write {results}: File too large. Every earlier line" in said
        assert "Traceback" not in said
        trial.resume(evaluation.output, result_lines(evaluation.output))
    trial.write_row(
        "the limit of a file's size reached under the results (RLIMIT_FSIZE)",
        tried=times,
        recovered_in="with --resume",
        seen_as=SEEN_AS,
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("only root may mount a small disk")
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=True)


@pytest.mark.long
def test_the_disk_is_full(trial: Trial, small_disk: Path) -> None:
    code, said = trial.start(output=small_disk).wait()

    assert code == 1
    assert f"error: cannot write {small_disk / RESULTS}: No space left on device" in said
    assert "Traceback" not in said
    acknowledged = result_lines(small_disk)
    assert 0 < len(acknowledged) < PICTURES
    subprocess.run(["mount", "-o", "remount,size=10m", small_disk], check=True)
    trial.resume(small_disk, acknowledged)
    trial.write_row(
        "the disk under the results full",
        tried=1,
        recovered_in="with --resume, when there is space",
        seen_as=SEEN_AS,
    )
