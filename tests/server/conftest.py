"""A small repository of a python model."""

from __future__ import annotations

from collections.abc import Callable
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
