"""What needs no server needs no client library of Triton's either."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

WITHOUT_TRITONCLIENT = """
import importlib, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "tritonclient":
            raise ImportError("blocked")

sys.meta_path.insert(0, Blocker())
importlib.import_module(sys.argv[1])
print(*(name for name in sys.modules if name.startswith("client.connection")))
"""


def import_without_tritonclient(module: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_TRITONCLIENT, module],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def modules(*patterns: str) -> list[str]:
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for pattern in patterns
        for path in sorted(ROOT.glob(pattern))
    ]


@pytest.mark.parametrize(
    "module",
    [
        *modules("client/coco/*.py", "client/pictures/*.py"),
        "client.detections",
        "client.endpoint_counts",
        "client.latency",
        "client.rle",
    ],
)
def test_it_is_imported_without_tritonclient_and_knows_no_connections(module: str) -> None:
    done = import_without_tritonclient(module)

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_a_transport_is_not() -> None:
    done = import_without_tritonclient("client.connection.transport")

    assert done.stderr.endswith("ImportError: blocked\n")
