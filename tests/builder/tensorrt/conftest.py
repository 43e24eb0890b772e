"""TensorRT-RTX, and repositories with plans that it compiles; neither needs a GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from builder.errors import BuildError
from builder.tensorrt.bindings import Bindings, load_bindings
from builder.tensorrt.log import make_logger
from builder.tensorrt.parse import create_network, parse_onnx

ROOT = Path(__file__).resolve().parents[3]
DEMO = ROOT / "demo"
MODEL = ("--config", DEMO / "mask_rcnn_R_50_C4_shapes.yaml")
WEIGHTS = ("--weights", DEMO / "mask_rcnn_R_50_C4_shapes.pkl")
CATEGORIES = ("--categories", DEMO / "val" / "instances.json")
ALL_TARGETS = ("8.0", "8.6", "8.9", "12.0")


@dataclass(frozen=True)
class Build:
    """A build in a process of its own."""

    repository: Path
    printed: str
    peak_bytes: int
    """Of memory, of that process."""


@dataclass
class ParsedNetwork:
    """TensorRT's own reading of an ONNX file, and what must live as long."""

    network: Any
    builder: Any
    keep_alive: tuple[Any, ...]


@pytest.fixture(scope="session")
def rtx() -> Bindings:
    try:
        return load_bindings("tensorrt_rtx")
    except BuildError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def build_plan(rtx: Bindings) -> Callable[..., Build]:
    """Runs ``python -m builder build --runtime tensorrt_rtx``; the build must succeed."""

    def build(repository: Path, *arguments: object) -> Build:
        log = repository.with_suffix(".log")
        command = ["build", "--runtime", "tensorrt_rtx", "--repository", repository, *arguments]
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "builder", *map(str, command)],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, log.read_text()
        return Build(repository, log.read_text(), usage.ru_maxrss * 1024)

    return build


@pytest.fixture(scope="session")
def demo_fp16(build_plan: Callable[..., Build], tmp_path_factory: pytest.TempPathFactory) -> Build:
    """The demo with a plan in fp16, for all of the GPUs that TensorRT-RTX is to run on."""
    repository = tmp_path_factory.mktemp("demo_fp16") / "repository"
    targets = ("--compute-capability", *ALL_TARGETS)
    return build_plan(
        repository, *MODEL, *WEIGHTS, *CATEGORIES, *targets, "--precision", "fp16",
        "--max-batch", 8, "--opt-batch", 4,
    )  # fmt: skip


@pytest.fixture(scope="session")
def parse() -> Callable[[Bindings, bytes], ParsedNetwork]:
    def parse(bindings: Bindings, model: bytes) -> ParsedNetwork:
        logger = make_logger(bindings.trt)
        builder = bindings.create_builder(logger)
        network = create_network(bindings.trt, builder)
        parser = parse_onnx(bindings, network, logger, model)
        return ParsedNetwork(network, builder, (parser, logger))

    return parse
