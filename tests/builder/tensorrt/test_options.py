"""What can be asked for, of which flavour of TensorRT, on which machine."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from artifact.gpu import Gpu
from builder.errors import BuildError
from builder.tensorrt.bindings import Bindings
from builder.tensorrt.builder_config import create_builder_config
from builder.tensorrt.log import make_logger
from builder.tensorrt.options import (
    HARDWARE_COMPATIBILITY,
    PlanOptions,
    Target,
    check_limits,
    choose_target,
)

A10, H200 = Gpu("NVIDIA A10", "8.6"), Gpu("NVIDIA H200", "9.0")


def tensorrt(version: str, *levels: str) -> Bindings:
    """All that is asked of a TensorRT before it builds: it names no compute capabilities."""
    members = {name: number for number, name in enumerate(levels)}
    return Bindings(
        "tensorrt",
        SimpleNamespace(
            __version__=version, HardwareCompatibilityLevel=SimpleNamespace(__members__=members)
        ),
    )


TENSORRT = tensorrt("10.16.1.11", "NONE", "AMPERE_PLUS", "SAME_COMPUTE_CAPABILITY")


def options(**changes: Any) -> PlanOptions:
    default = PlanOptions(runtime="tensorrt_rtx", opt_batch=8, max_batch=8, cache=Path("cache"))
    return dataclasses.replace(default, **changes)


@pytest.mark.parametrize("hardware_compatibility", HARDWARE_COMPATIBILITY)
def test_tensorrt_builds_for_the_first_gpu_of_this_machine(hardware_compatibility: str) -> None:
    asked = options(hardware_compatibility=hardware_compatibility)
    assert choose_target(asked, TENSORRT, [A10, H200]) == Target(("8.6",), A10)


def test_a_compatibility_that_an_older_tensorrt_lacks_is_refused() -> None:
    """As the bindings of TensorRT 10.4, Triton 24.10's, have them."""
    older = tensorrt("10.4.0", "NONE", "AMPERE_PLUS")
    asked = options(hardware_compatibility="same_compute_capability")
    with pytest.raises(BuildError, match="expected none or ampere_plus, or a newer TensorRT"):
        choose_target(asked, older, [A10])


def test_tensorrt_rtx_compiles_for_what_is_named_or_for_this_machine(rtx: Bindings) -> None:
    asked = options(compute_capabilities=("8.9", "12.0", "8.9"))
    assert choose_target(asked, rtx, [A10]) == Target(("8.9", "12.0"), None)
    assert choose_target(options(), rtx, [A10]) == Target(("8.6",), None)


@pytest.mark.parametrize(
    ("flavour", "changes", "gpus", "message"),
    [
        ("tensorrt", {}, [], "builds on the GPU that is to run the plan, and there is none here"),
        (
            "tensorrt",
            {"compute_capabilities": ("8.6",)},
            [A10],
            "takes no --compute-capability; other GPUs load the plan with --hardware-compat",
        ),
        ("rtx", {}, [], "no GPU here to build for; name one with --compute-capability"),
        (
            "rtx",
            {},
            [H200],
            "does not compile for compute capability 9.0, of the NVIDIA H200 here, but for 7.5, 8",
        ),
        (
            "rtx",
            {"compute_capabilities": ("8.6", "nine")},
            [],
            "does not compile for compute capability nine but for",
        ),
        (
            "rtx",
            {"compute_capabilities": ("8.6",), "hardware_compatibility": "ampere_plus"},
            [],
            "has no --hardware-compatibility; name the GPUs with --compute-capability",
        ),
    ],
)
def test_what_cannot_be_built_here_is_refused_with_a_way_out(
    rtx: Bindings, flavour: str, changes: dict[str, object], gpus: list[Gpu], message: str
) -> None:
    bindings = TENSORRT if flavour == "tensorrt" else rtx
    with pytest.raises(BuildError) as error:
        choose_target(options(**changes), bindings, gpus)
    assert message in str(error.value)


@pytest.mark.parametrize(("opt_batch", "max_batch"), [(0, 8), (9, 8), (1, 0), (-1, -1)])
def test_batches_that_make_no_profile_are_refused(opt_batch: int, max_batch: int) -> None:
    with pytest.raises(BuildError, match=r"tuned for .* \(--opt-batch\) .* \(--max-batch\)"):
        check_limits(options(opt_batch=opt_batch, max_batch=max_batch))


def test_each_option_reaches_tensorrt(rtx: Bindings) -> None:
    trt = rtx.trt
    asked = options(
        version_compatible=True, refittable=True, optimization_level=1, workspace_bytes=2**30
    )
    builder = rtx.create_builder(make_logger(trt))
    config = create_builder_config(rtx, builder, asked, Target(("8.6", "12.0"), None))
    assert config.get_flag(trt.BuilderFlag.VERSION_COMPATIBLE)
    assert config.get_flag(trt.BuilderFlag.REFIT)
    assert config.builder_optimization_level == 1
    assert config.get_memory_pool_limit(trt.MemoryPoolType.WORKSPACE) == 2**30
    capabilities = [
        config.get_compute_capability(index) for index in range(config.num_compute_capabilities)
    ]
    assert capabilities == [trt.ComputeCapability.SM86, trt.ComputeCapability.SM120]


def test_fp32_is_fp32_and_the_rest_is_tensorrts_default(rtx: Bindings) -> None:
    trt = rtx.trt
    builder = rtx.create_builder(make_logger(trt))
    config = create_builder_config(rtx, builder, options(), Target(("8.6",), None))
    assert config.flags == 0
    assert config.builder_optimization_level == 3
