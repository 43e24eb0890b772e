"""A small repository of a python model, and what a running server may leave behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

CONFIG = """
backend: "python"
max_batch_size: 8
input [{{ name: "numbers" data_type: TYPE_FP32 dims: [ -1 ] }}]
output [{{ name: "echo" data_type: TYPE_FP32 dims: [ -1 ] }}]
parameters {{ key: "factor" value {{ string_value: "{factor}" }} }}
"""

ECHO = """
import json

import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        config = json.loads(args["model_config"])
        self.factor = float(config["parameters"]["factor"]["string_value"])

    def execute(self, requests):
        return [self.respond(request) for request in requests]

    def respond(self, request):
        numbers = pb_utils.get_input_tensor_by_name(request, "numbers").as_numpy()
        return pb_utils.InferenceResponse([pb_utils.Tensor("echo", numbers * self.factor)])
"""


@pytest.fixture(scope="session")
def add_model() -> Callable[..., None]:
    """Adds a python model to a repository, with ``code`` for its model.py."""

    def add(repository: Path, name: str, code: str = ECHO) -> None:
        folder = repository / name
        (folder / "1").mkdir(parents=True)
        (folder / "1" / "model.py").write_text(code)
        (folder / "config.pbtxt").write_text(CONFIG.format(factor=1))

    return add


@pytest.fixture
def echo_repository(tmp_path: Path, add_model: Callable[..., None]) -> Path:
    """One model, ``echo``; with its configuration ``doubled`` it answers with twice its input."""
    repository = tmp_path / "repository"
    add_model(repository, "echo")
    (repository / "echo" / "configs").mkdir()
    (repository / "echo" / "configs" / "doubled.pbtxt").write_text(CONFIG.format(factor=2))
    return repository


@dataclass(frozen=True)
class Traces:
    """The processes of a running server and of its models, and their shared memory regions."""

    processes: dict[int, str]
    """Command line by process id."""
    regions: list[Path]

    @classmethod
    def of(cls, repository: Path) -> Traces:
        """Finds them by the repository's path, which tritonserver and every stub are given."""
        processes = {}
        for path in Path("/proc").glob("[0-9]*"):
            command_line = _command_line(int(path.name))
            if str(repository) in command_line:
                processes[int(path.name)] = command_line
        words = " ".join(processes.values()).split()
        return cls(processes, [path for path in Path("/dev/shm").iterdir() if path.name in words])

    def left(self) -> list[str]:
        """Returns those that are still there."""
        alive = [line for pid, line in self.processes.items() if _command_line(pid) == line]
        return alive + [str(region) for region in self.regions if region.exists()]


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:  # it has ended
        return ""


@pytest.fixture
def traces_of() -> Callable[[Path], Traces]:
    return Traces.of
