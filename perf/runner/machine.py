"""The machine and the versions that a measurement was made with."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import time
from pathlib import Path

from perf.result import Machine

ROOT = Path(__file__).parents[2]
PACKAGES = ("numpy", "onnxruntime", "onnxruntime-gpu", "opencv-python-headless", "pillow")


def describe_machine() -> Machine:
    """Processor, cores, memory, GPUs, and how busy it already is; takes a second."""
    return Machine(
        cpu=_cpu_model(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        gpus=tuple(_gpus()),
        system=platform.platform(),
        busy_before=round(_busy(), 2),
    )


def describe_versions() -> dict[str, str]:
    """This project's version and commit, Python, and the packages that the models run on."""
    versions = {"mask-rcnn-triton": _own_version(), "python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _own_version() -> str:
    stated = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    commit = _output("git", "-C", str(ROOT), "describe", "--always", "--dirty")
    return " ".join([stated[1] if stated else "unknown", *commit])


def _cpu_model() -> str:
    models = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return models[0] if models else platform.machine()


def _busy() -> float:
    """The share of all cores' time, 0 to 1, that programs take during one second."""
    before = _processor_time()
    time.sleep(1.0)
    after = _processor_time()
    return 1 - (after[1] - before[1]) / max(1, after[0] - before[0])


def _processor_time() -> tuple[int, int]:
    """All of it, and the idle part, since the machine started (proc(5), /proc/stat)."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(fields), fields[3] + fields[4]


def _gpus() -> list[str]:
    """Each GPU's name, driver and memory."""
    query = "--query-gpu=name,driver_version,memory.total"
    return _output("nvidia-smi", query, "--format=csv,noheader")


def _output(*command: str) -> list[str]:
    """The lines that a program prints, none if it is not there or fails."""
    if shutil.which(command[0]) is None:
        return []
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.stdout.splitlines() if run.returncode == 0 else []
