from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from artifact.gpu import visible_gpus

ROOT = Path(__file__).parents[2]


def test_each_gpu_has_a_name_and_a_compute_capability() -> None:
    for gpu in visible_gpus():  # none where there is no driver
        assert gpu.name
        assert re.fullmatch(r"\d+\.\d", gpu.compute_capability)


def test_cuda_visible_devices_hides_gpus() -> None:
    found = subprocess.run(
        [sys.executable, "-c", "from artifact.gpu import visible_gpus; print(visible_gpus())"],
        cwd=ROOT,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "[]\n"
