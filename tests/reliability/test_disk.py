"""What is left of an evaluation whose results no longer fit on the disk."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from client.evaluate import RESULTS
from tests.reliability.conftest import PICTURES
from tests.reliability.evaluation import Evaluation, lost, result_lines, same_results
from tests.reliability.service import Service

SEEN_AS = "code 1: “cannot write … Every earlier line of it is kept: mend that, then continue …”"


@pytest.mark.parametrize("times", [1, pytest.param(10, marks=pytest.mark.long)])
def test_the_results_file_may_not_grow_any_more(
    service: Service,
    dataset: Path,
    undisturbed: Path,
    tmp_path: Path,
    times: int,
    reliability_row: Callable[..., None],
) -> None:
    gone = 0
    for attempt in range(times):
        output = tmp_path / str(attempt)
        evaluation = Evaluation(dataset, service.grpc_url, output, ["--concurrency", "4"])
        evaluation.wait_for(PICTURES // 4)
        # Not at the end of a line: what is written of the last one is of no use.
        limit = (output / RESULTS).stat().st_size + 1000 + 37 * attempt
        resource.prlimit(evaluation.pid, resource.RLIMIT_FSIZE, (limit, limit))
        code, said = evaluation.wait()

        assert code == 1
        assert f"error: cannot write {output / RESULTS}: File too large. Every earlier line" in said
        assert "Traceback" not in said
        gone += resumed_without(result_lines(output), service, dataset, output, undisturbed)
    assert gone == 0
    reliability_row(
        "the limit of a file's size reached under the results (RLIMIT_FSIZE)",
        tried=times,
        lost=gone,
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
def test_the_disk_is_full(
    service: Service,
    dataset: Path,
    undisturbed: Path,
    small_disk: Path,
    reliability_row: Callable[..., None],
) -> None:
    code, said = Evaluation(dataset, service.grpc_url, small_disk).wait()

    assert code == 1
    assert f"error: cannot write {small_disk / RESULTS}: No space left on device" in said
    assert "Traceback" not in said
    acknowledged = result_lines(small_disk)
    assert 0 < len(acknowledged) < PICTURES
    subprocess.run(["mount", "-o", "remount,size=10m", small_disk], check=True)
    gone = resumed_without(acknowledged, service, dataset, small_disk, undisturbed)
    assert gone == 0
    reliability_row(
        "the disk under the results full",
        tried=1,
        lost=gone,
        recovered_in="with --resume, when there is space",
        seen_as=SEEN_AS,
    )


def resumed_without(
    acknowledged: list[bytes], service: Service, dataset: Path, output: Path, undisturbed: Path
) -> int:
    """Resumes the evaluation, which has to end well; returns how many results are lost."""
    code, said = Evaluation(dataset, service.grpc_url, output, ["--resume"]).wait()
    assert code == 0, said
    assert same_results(output, undisturbed)
    return lost(acknowledged, output, undisturbed)
