from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IMPORTS = (
    "import builder.quantization.calibrate",
    "from perf.studies.network_session import import_onnxruntime; import_onnxruntime()",
    "import pathlib, builder.inspect.fit as fit; fit.onnx_fit(pathlib.Path('model.onnx'), None)",
)
WHAT_IT_SEES = """
import os, sys
seen = []
class Noting:
    def find_spec(name, path, target=None):
        if name == "onnxruntime":
            seen.append(os.environ.get("ORT_DISABLE_TELEMETRY"))
sys.meta_path.insert(0, Noting)
"""


@pytest.mark.parametrize("statement", IMPORTS)
@pytest.mark.parametrize(("given", "expected"), [(None, "1"), ("0", "0")])
def test_onnxruntime_is_not_imported_without_a_word_about_telemetry(
    statement: str, given: str | None, expected: str
) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    if given is not None:
        environment["ORT_DISABLE_TELEMETRY"] = given
    run = subprocess.run(
        [sys.executable, "-c", f"{WHAT_IT_SEES}\n{statement}\nprint(seen)"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == f"['{expected}']\n"
