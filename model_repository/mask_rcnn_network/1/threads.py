"""How many threads an instance of the network may use."""

from __future__ import annotations

import os
from pathlib import Path

CPU_MAX = Path("/sys/fs/cgroup/cpu.max")
"""A container's share of the processors: microseconds granted, or max, in so many (cgroups 2)."""


def share_of_cores(instances: int, cpu_max: Path = CPU_MAX) -> int:
    """An instance's part of the cores that this process may use, at least 1."""
    cores = len(os.sched_getaffinity(0))
    try:
        granted, period = cpu_max.read_text().split()
    except OSError:  # no limit, or cgroups 1
        granted, period = "max", ""
    if granted != "max":
        cores = min(cores, int(granted) // int(period))
    return max(1, cores // instances)
