"""The demo model as a plan of TensorRT-RTX, from the command line."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import DataType, ModelConfig

from artifact.manifest import MANIFEST, Tensor, read_manifest
from builder.__main__ import main
from builder.network import export_onnx
from builder.tensorrt.bindings import Bindings
from builder.tensorrt.plan import failure_message
from server.errors import ServerError
from server.launch import TritonServer
from tests.builder.network.trained_models import TRAINED_MODELS
from tests.builder.tensorrt.conftest import (
    ALL_TARGETS,
    CATEGORIES,
    MODEL,
    ROOT,
    WEIGHTS,
    Build,
)

NETWORK = Path("mask_rcnn_network") / "1"
QUICK_TO_FAIL = ("--runtime", "tensorrt_rtx", "--compute-capability", "8.9")


def build(repository: Path, *arguments: object) -> int:
    command = ["build", "--repository", repository, *MODEL, *WEIGHTS, *CATEGORIES, *arguments]
    return main([str(argument) for argument in command])


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def triton_config(repository: Path) -> Any:
    text = (repository / "mask_rcnn_network" / "config.pbtxt").read_text()
    return text_format.Parse(text, ModelConfig())


def test_a_build_says_what_it_does_and_that_triton_does_not_load_such_a_plan(
    demo_fp16: Build, rtx: Bindings
) -> None:
    for expected in (
        f"] plan           {rtx}, compute capability 8.0, 8.6, 8.9, 12.0\n",
        "model.onnx (5.0 MB), for ONNX Runtime\n",
        f"{rtx} for compute capability 8.0, 8.6, 8.9, 12.0\n",
        "Triton's TensorRT backend does not load plans of TensorRT-RTX",
        f"python -m server --repository {demo_fp16.repository} --model-config-name onnxruntime",
    ):
        assert expected in demo_fp16.printed
    assert re.search(r"\] plan           .* \d+/\d+, .* \d+/\d+\n", demo_fp16.printed), "progress"


def test_the_plans_tensors_are_those_of_tritons_configuration_and_of_the_manifest(
    demo_fp16: Build,
    rtx: Bindings,
    parse: Callable[[Bindings, bytes], Any],
) -> None:
    folder = demo_fp16.repository / NETWORK
    model = export_onnx(*TRAINED_MODELS["C4"].load(), "fp16", static=True)
    network = parse(rtx, model.SerializeToString()).network
    names = {rtx.trt.uint8: "UINT8", rtx.trt.int32: "INT32", rtx.trt.float32: "FP32"}

    def described(tensors: list[Any]) -> tuple[Tensor, ...]:
        return tuple(Tensor(t.name, names[t.dtype], tuple(t.shape)) for t in tensors)

    inputs = described([network.get_input(i) for i in range(network.num_inputs)])
    outputs = described([network.get_output(i) for i in range(network.num_outputs)])
    manifest = read_manifest(folder / MANIFEST)
    assert (manifest.inputs, manifest.outputs) == (inputs, outputs)

    def configured(tensors: Any) -> tuple[Tensor, ...]:
        return tuple(
            Tensor(t.name, DataType.Name(t.data_type).removeprefix("TYPE_"), (-1, *t.dims))
            for t in tensors
        )

    config = triton_config(demo_fp16.repository)
    assert (configured(config.input), configured(config.output)) == (inputs, outputs)
    # A plan is opaque where there is no GPU, but names its bindings, those of each profile too.
    plan = (folder / "model.plan").read_bytes()
    for tensor in (*inputs, *outputs):
        assert tensor.name.encode() in plan
        assert f"{tensor.name} [profile 2]".encode() in plan


def test_the_plans_profiles_take_what_triton_will_send(demo_fp16: Build) -> None:
    manifest = read_manifest(demo_fp16.repository / NETWORK / MANIFEST)
    assert manifest.plan is not None
    profiles = manifest.plan.profiles
    config = triton_config(demo_fp16.repository)
    assert list(config.instance_group[0].profile) == [str(i) for i in range(len(profiles))]
    assert list(config.dynamic_batching.preferred_batch_size) == [4, 8]
    for profile, warmup in zip(profiles, config.model_warmup, strict=True):
        for name, tensor in warmup.inputs.items():
            assert profile.min[name] == (1, *tensor.dims)
            assert profile.opt[name] == (4, *tensor.dims)
            assert profile.max[name] == (config.max_batch_size, *tensor.dims)
            assert profile.max[name] == (warmup.batch_size, *tensor.dims)


def test_the_manifest_says_what_was_built_for_what(demo_fp16: Build, rtx: Bindings) -> None:
    manifest = read_manifest(demo_fp16.repository / NETWORK / MANIFEST)
    assert manifest.precision == "fp16"
    assert manifest.weights.name == WEIGHTS[1].name
    assert manifest.configuration["MODEL.PIXEL_MEAN"] == [103.53, 116.28, 123.675]
    plan = manifest.plan
    assert plan is not None
    assert (plan.runtime, plan.tensorrt_version) == ("tensorrt_rtx", rtx.version)
    assert (plan.compute_capabilities, plan.gpu) == (ALL_TARGETS, None)
    assert plan.file.bytes == (demo_fp16.repository / NETWORK / "model.plan").stat().st_size


def test_clients_can_tell_the_network_from_another(demo_fp16: Build) -> None:
    manifest = read_manifest(demo_fp16.repository / NETWORK / MANIFEST)
    parameters = triton_config(demo_fp16.repository).parameters
    assert parameters["onnx_sha256"].string_value == manifest.onnx.sha256


@pytest.mark.long
def test_fp32_compiles_too(build_plan: Callable[..., Build], tmp_path: Path) -> None:
    target = ("--compute-capability", "8.0")
    made = build_plan(tmp_path / "repository", *MODEL, *WEIGHTS, *CATEGORIES, *target)
    manifest = read_manifest(made.repository / NETWORK / MANIFEST)
    assert manifest.precision == "fp32"
    assert manifest.plan is not None


def test_the_launcher_refuses_the_plan_before_it_starts_a_server(demo_fp16: Build) -> None:
    with pytest.raises(ServerError, match=r"model\.plan cannot be loaded here\n  version: .*-RTX"):
        TritonServer(demo_fp16.repository).start()


def test_a_plan_that_cannot_be_built_leaves_the_old_one(
    demo_fp16: Build, rtx: Bindings, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(demo_fp16.repository)
    assert "mask_rcnn_network/1/model.plan" in before
    assert build(demo_fp16.repository, *QUICK_TO_FAIL, "--workspace", "0.001") == 1
    assert contents(demo_fp16.repository) == before
    error = capsys.readouterr().err
    assert error.startswith(f"error: {rtx} could not build the plan:\n  ")
    assert error.endswith(
        "A layer needs more scratch memory than --workspace 0.001 GiB; raise it or lower "
        "--max-batch\n"
    )


def test_ctrl_c_ends_a_build_and_leaves_nothing(rtx: Bindings, tmp_path: Path) -> None:
    command = ["build", "--repository", tmp_path / "repository", *MODEL, *WEIGHTS, *CATEGORIES]
    process = subprocess.Popen(
        [sys.executable, "-m", "builder", *map(str, [*command, *QUICK_TO_FAIL])],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if re.search(r"\] plan .* \d+/\d+", line):  # TensorRT is at work
            break
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert (process.returncode, errors) == (130, "interrupted\n")
    assert list(tmp_path.iterdir()) == []


def test_a_compute_capability_that_is_unknown_is_refused_before_anything_else(
    rtx: Bindings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--runtime", "tensorrt_rtx", "--compute-capability", "9.0")
    assert build(tmp_path / "repository", *arguments) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith(f"error: {rtx} does not compile for compute capability 9.0 but ")
    assert printed.out == ""


@pytest.mark.parametrize(
    ("workspace_bytes", "error", "advice"),
    [
        (
            2**20,
            "no tactics … within workspace limit.",
            "scratch memory than --workspace 0.000977 ",
        ),
        (2**30, "Error Code 2: OutOfMemory (Requested size …)", "than --workspace 1 GiB; raise it"),
        (None, "Error Code 2: OutOfMemory (Requested size …)", "Memory ran out; free some"),
        (None, "Unexpected exception std::bad_alloc", "Memory ran out; free some"),
        (2**30, "Error Code 10: Could not find any implementation for node …", None),
    ],
)
def test_tensorrts_own_words_come_with_advice_where_there_is_some(
    rtx: Bindings, workspace_bytes: int | None, error: str, advice: str | None
) -> None:
    lines = failure_message(rtx, workspace_bytes, [error, error]).splitlines()
    assert lines[:2] == [f"{rtx} could not build the plan:", f"  {error}"]
    assert len(lines) == 2 + (advice is not None)
    assert advice is None or advice in lines[2]
