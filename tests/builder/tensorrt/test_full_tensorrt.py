"""What only the full TensorRT on a GPU can show, and Triton's backend for it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from artifact.gpu import visible_gpus
from artifact.manifest import MANIFEST, Tensor, read_manifest
from builder.__main__ import main as builder
from builder.errors import BuildError
from builder.tensorrt.bindings import Bindings, load_bindings
from builder.tensorrt.log import make_logger
from client.__main__ import main as client
from server.errors import ServerError
from server.launch import TritonServer
from server.libnvinfer import tensorrt_version
from server.locate import find_tritonserver
from tests.builder.tensorrt.conftest import CATEGORIES, DEMO, MODEL, WEIGHTS

NETWORK = Path("mask_rcnn_network") / "1"


@pytest.fixture(scope="module")
def tensorrt() -> Bindings:
    try:
        bindings = load_bindings("tensorrt")
    except BuildError as error:
        pytest.skip(str(error))
    if not visible_gpus():
        pytest.skip("TensorRT builds on a GPU; there is none here")
    return bindings


@pytest.fixture(scope="module")
def build(tensorrt: Bindings, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    def build(*arguments: object) -> Path:
        folder = tmp_path_factory.mktemp("tensorrt")
        command = ["build", *MODEL, *WEIGHTS, *CATEGORIES, "--runtime", "tensorrt"]
        command += ["--repository", folder / "repository", "--cache", folder / "cache", *arguments]
        assert builder([str(argument) for argument in command]) == 0
        return folder / "repository"

    return build


@pytest.fixture(scope="module")
def fp16(build: Callable[..., Path]) -> Path:
    return build("--precision", "fp16")


def engine_of(tensorrt: Bindings, repository: Path) -> Any:
    runtime = tensorrt.trt.Runtime(make_logger(tensorrt.trt))
    engine = runtime.deserialize_cuda_engine((repository / NETWORK / "model.plan").read_bytes())
    assert engine is not None
    return engine


def test_the_plans_own_tensors_and_profiles_are_the_manifests(
    tensorrt: Bindings, fp16: Path
) -> None:
    manifest = read_manifest(fp16 / NETWORK / MANIFEST)
    assert manifest.plan is not None
    engine = engine_of(tensorrt, fp16)
    trt = tensorrt.trt
    names = {trt.uint8: "UINT8", trt.int32: "INT32", trt.float32: "FP32"}
    tensors = {
        name: Tensor(
            name, names[engine.get_tensor_dtype(name)], tuple(engine.get_tensor_shape(name))
        )
        for name in map(engine.get_tensor_name, range(engine.num_io_tensors))
    }
    assert tensors == {t.name: t for t in (*manifest.inputs, *manifest.outputs)}
    assert engine.num_optimization_profiles == len(manifest.plan.profiles)
    for index, profile in enumerate(manifest.plan.profiles):
        for name in profile.min:
            shapes = [tuple(s) for s in engine.get_tensor_profile_shape(name, index)]
            assert shapes == [profile.min[name], profile.opt[name], profile.max[name]]


def test_the_plan_fits_the_machine_that_built_it(
    tensorrt: Bindings, fp16: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert builder(["inspect", str(fp16)]) == 0
    assert "model.plan: fits this machine" in capsys.readouterr().out


def test_timings_are_kept_for_the_next_build(fp16: Path) -> None:
    [file] = (fp16.parent / "cache").iterdir()
    assert file.suffix == ".timing"
    assert file.stat().st_size > 1000


@pytest.mark.parametrize(
    "options",
    [
        ("--version-compatible",),
        ("--refittable",),
        ("--hardware-compatibility", "same_compute_capability"),
        ("--hardware-compatibility", "ampere_plus"),
    ],
)
def test_each_option_makes_a_plan_that_says_so(
    tensorrt: Bindings, build: Callable[..., Path], options: tuple[str, ...]
) -> None:
    repository = build("--precision", "fp16", *options)
    runtime = tensorrt.trt.Runtime(make_logger(tensorrt.trt))
    runtime.engine_host_code_allowed = True  # for the version compatible one
    engine = runtime.deserialize_cuda_engine((repository / NETWORK / "model.plan").read_bytes())
    assert engine is not None
    assert engine.refittable == ("--refittable" in options)
    level = options[1].upper() if options[0] == "--hardware-compatibility" else "NONE"
    assert engine.hardware_compatibility_level.name == level


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 0.02), ("fp16", 0.3)])
def test_tritons_tensorrt_backend_serves_the_plan_with_detectron2s_accuracy(
    build: Callable[..., Path], tmp_path: Path, precision: str, tolerance: float
) -> None:
    try:
        version = tensorrt_version(find_tritonserver(tmp_path, os.environ))
    except ServerError as error:
        pytest.skip(str(error))
    if version is None:
        pytest.skip("the tritonserver here has no TensorRT backend")
    repository = build("--precision", precision)
    evaluate = ["evaluate", "--images", DEMO / "val/images", "--output", tmp_path / "evaluation"]
    evaluate += ["--annotations", DEMO / "val/instances.json", "--url"]
    with TritonServer(repository) as server:
        assert client([str(argument) for argument in [*evaluate, server.grpc_url]]) == 0
    served = json.loads((tmp_path / "evaluation" / "summary.json").read_text())
    detectron2 = json.loads((DEMO / "mask_rcnn_R_50_C4_shapes.metrics.json").read_text())
    for task in ("bbox", "segm"):
        assert served[task]["AP"] == pytest.approx(detectron2[task]["AP"], abs=tolerance)
