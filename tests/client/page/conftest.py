"""The page, served by its command, with the demo model behind it."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from server.launch import TritonServer

ROOT = Path(__file__).parents[3]
PICTURES = sorted((ROOT / "demo" / "val" / "images").glob("*.jpg"))


@dataclass(frozen=True)
class ServedPage:
    url: str
    pid: int


@pytest.fixture(scope="package")
def served_page(demo_server: TritonServer) -> Iterator[ServedPage]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        *(sys.executable, "-m", "client", "page", "--url", demo_server.grpc_url),
        *("--port", str(port), "--examples", str(PICTURES[0].parent)),
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "The page is at" in process.stdout.readline()
        yield ServedPage(f"http://127.0.0.1:{port}", process.pid)
        process.terminate()
    assert process.returncode == 0
