from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from artifact.gpu import Gpu
from artifact.manifest import FileRecord
from artifact.names import PLAN
from artifact.plan_check import plan_faults
from tests.example_plan import BUILD_ON_AN_A10, PLAN_ON_AN_A10

CONTENT = b"a plan, as far as its hash is concerned"
A10, L4, T4 = Gpu("NVIDIA A10", "8.6"), Gpu("NVIDIA L4", "8.9"), Gpu("Tesla T4", "7.5")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One with a plan."""
    (tmp_path / PLAN).write_bytes(CONTENT)
    return tmp_path


def faults(
    folder: Path, version: str | None = "10.16.1", gpus: Sequence[Gpu] = (A10,), **changes: Any
) -> list[str]:
    """Those of the plan in `folder`, whose record is the A10's but for `changes`."""
    if "file" not in changes:
        changes["file"] = FileRecord.read(folder / PLAN)
    plan = dataclasses.replace(PLAN_ON_AN_A10, **changes)
    return plan_faults(dataclasses.replace(BUILD_ON_AN_A10, plan=plan), folder, version, gpus)


@pytest.mark.parametrize(
    ("changes", "version", "gpus"),
    [
        pytest.param({}, "10.16.1", (A10,), id="where it was built"),
        pytest.param({}, "10.16.1.11", (A10, A10), id="two of the GPU"),
        pytest.param({}, None, (), id="nothing is known of the machine"),
        pytest.param({}, "10.16.1", (Gpu("NVIDIA A40", "8.6"),), id="same compute capability"),
        pytest.param({"hardware_compatibility": "ampere_plus"}, "10.16.1", (L4,), id="a later GPU"),
        pytest.param({"version_compatible": True}, "10.17.0", (A10,), id="a later minor version"),
    ],
)
def test_a_plan_that_can_be_loaded_has_no_fault(
    changes: dict[str, Any], version: str | None, gpus: Sequence[Gpu], folder: Path
) -> None:
    assert faults(folder, version, gpus, **changes) == []


@pytest.mark.parametrize(
    ("changes", "version", "gpus", "fault"),
    [
        pytest.param(
            {},
            "11.2.1",
            (A10,),
            "version: it was compiled by TensorRT 10.16.1.11 and loads in that version alone; "
            "here is 11.2.1",
            id="a later major version",
        ),
        pytest.param(
            {}, "10.16.0", (A10,), "version: it was compiled by TensorRT 10.16.1.11", id="a patch"
        ),
        pytest.param(
            {"version_compatible": True},
            "11.2.1",
            (A10,),
            "loads in that and later versions of TensorRT 10; here is 11.2.1",
            id="version compatible, but another major version",
        ),
        pytest.param(
            {"version_compatible": True},
            "10.15.0",
            (A10,),
            "loads in that and later versions of TensorRT 10; here is 10.15.0",
            id="version compatible, but an earlier version",
        ),
        pytest.param(
            {},
            None,
            (L4,),
            "GPU: it was compiled for compute capability 8.6 (on NVIDIA A10); here is NVIDIA L4 "
            "(compute capability 8.9)",
            id="another GPU",
        ),
        pytest.param(
            {}, None, (A10, L4), "here is NVIDIA L4", id="one of two GPUs, and Triton uses both"
        ),
        pytest.param(
            {"hardware_compatibility": "same_compute_capability"},
            None,
            (L4,),
            "GPU: it was compiled for compute capability 8.6",
            id="compatible, but with another compute capability",
        ),
        pytest.param(
            {"hardware_compatibility": "ampere_plus"},
            None,
            (T4,),
            "GPU: it was compiled for compute capability 8.0 and later; here is Tesla T4",
            id="older than Ampere",
        ),
        pytest.param(
            {"runtime": "tensorrt_rtx", "tensorrt_version": "1.7.1.116"},
            None,
            (),
            "version: it was compiled by TensorRT-RTX 1.7.1.116, which Triton's TensorRT backend "
            "does not load",
            id="TensorRT-RTX",
        ),
    ],
)
def test_the_version_or_the_gpu_that_disagrees_is_named(
    changes: dict[str, Any],
    version: str | None,
    gpus: Sequence[Gpu],
    fault: str,
    folder: Path,
) -> None:
    [line] = faults(folder, version, gpus, **changes)
    assert fault in line


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        pytest.param(
            lambda plan: plan.write_bytes(CONTENT[:10]),
            "contents: 10 bytes of the 39 that the build wrote",
            id="truncated",
        ),
        pytest.param(
            lambda plan: plan.write_bytes(CONTENT.swapcase()),
            "contents: changed since the build: SHA-256 ",
            id="changed",
        ),
        pytest.param(
            lambda plan: plan.unlink(), "contents: cannot be read: No such file", id="missing"
        ),
    ],
)
def test_a_file_that_is_not_the_builds_is_named(
    damage: Callable[[Path], object], fault: str, folder: Path
) -> None:
    record = FileRecord.read(folder / PLAN)
    damage(folder / PLAN)
    [line] = faults(folder, file=record)
    assert line.startswith(fault)


def test_all_that_disagrees_is_named_at_once(folder: Path) -> None:
    found = faults(folder, "11.2.1", (L4,), file=FileRecord(PLAN, 1_000_000, "0" * 64))
    assert [line.partition(":")[0] for line in found] == ["contents", "version", "GPU"]


def test_a_build_without_a_plan_has_nothing_to_load(folder: Path) -> None:
    [line] = plan_faults(dataclasses.replace(BUILD_ON_AN_A10, plan=None), folder, None, ())
    assert line == "contents: there is no plan; the model was built for ONNX Runtime alone"
