from __future__ import annotations

import os
from pathlib import Path

import pytest
from threads import share_of_cores

CORES = len(os.sched_getaffinity(0))


@pytest.mark.parametrize("content", [None, "max 100000\n", f"{CORES * 100_000} 100000\n"])
def test_without_a_smaller_quota_the_instances_share_all_cores(
    tmp_path: Path, content: str | None
) -> None:
    cpu_max = tmp_path / "cpu.max"
    if content is not None:
        cpu_max.write_text(content)
    assert share_of_cores(1, cpu_max) == CORES
    assert share_of_cores(CORES, cpu_max) == 1
    assert share_of_cores(CORES + 1, cpu_max) == 1


@pytest.mark.parametrize("granted", [20_000, 100_000, 150_000])
def test_a_container_gets_no_more_threads_than_its_quota(tmp_path: Path, granted: int) -> None:
    cpu_max = tmp_path / "cpu.max"
    cpu_max.write_text(f"{granted} 100000\n")
    assert share_of_cores(1, cpu_max) == 1
