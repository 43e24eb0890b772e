from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "model_repository/mask_rcnn_preprocess/1"

PAGE_FAULTS = """
import resource, sys
import numpy as np
if sys.argv[1] == "keep":
    from heap import keep_freed_memory
    keep_freed_memory()
def picture():
    return [np.ones(size, np.uint8).sum() for size in (3_000_000, 2_000_000, 4_000_000)]
picture()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    picture()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(heap: str) -> int:
    run = subprocess.run(
        [sys.executable, "-c", PAGE_FAULTS, heap],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(run.stdout)


def test_a_picture_reuses_the_memory_of_the_one_before() -> None:
    assert page_faults("keep") < 100 < page_faults("default")
