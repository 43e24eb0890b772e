from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import perf

ROOT = Path(__file__).parents[2]

NOT_IN_THE_EXTRA = ("onnx", "onnxscript", "torch", "detectron2")
LATE = ("onnxruntime",)

PROGRAMS_OF_OTHERS = {"perf.recorded.model", "perf.studies.detectron2_loop"}
"""Run by tritonserver and by the Python that has detectron2."""


def test_every_module_can_be_imported_without_the_builders_and_detectron2s_libraries() -> None:
    found = {module.name for module in pkgutil.walk_packages(perf.__path__, "perf.")}
    assert found > PROGRAMS_OF_OTHERS
    modules = sorted(found - PROGRAMS_OF_OTHERS)
    program = [
        "import importlib, sys",
        f"sys.modules.update(dict.fromkeys({(*NOT_IN_THE_EXTRA, *LATE)}))",
        *(f"importlib.import_module({name!r})" for name in modules),
    ]
    imported = subprocess.run(
        [sys.executable, "-c", "\n".join(program)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert imported.returncode == 0, imported.stderr
