"""``python -m builder inspect`` on what ``build`` leaves, and on what has happened to it since."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest

from artifact.gpu import Gpu
from artifact.manifest import MANIFEST, FileRecord, Profile, read_manifest
from builder.__main__ import main
from builder.inspect import fit
from tests.example_plan import PLAN_ON_AN_A10

NETWORK = Path("mask_rcnn_network") / "1"
L4, A10 = Gpu("NVIDIA L4", "8.9"), Gpu("NVIDIA A10", "8.6")


@pytest.fixture
def repository(demo_repository: Path, tmp_path: Path) -> Path:
    """A copy of the demo's, to be damaged."""
    return Path(shutil.copytree(demo_repository, tmp_path / "repository"))


@pytest.fixture
def with_plan(repository: Path) -> Callable[..., Path]:
    """Adds a file as the plan of a TensorRT build on an A10."""

    def add(**changes: Any) -> Path:
        folder = repository / NETWORK
        (folder / "model.plan").write_bytes(b"a plan, as far as its hash is concerned")
        plan = dataclasses.replace(
            PLAN_ON_AN_A10,
            file=FileRecord.read(folder / "model.plan"),
            gpu=A10,
            profiles=(Profile({"canvas": (1, 2)}, {"canvas": (4, 2)}, {"canvas": (8, 2)}),),
        )
        manifest = read_manifest(folder / MANIFEST)
        dataclasses.replace(manifest, plan=dataclasses.replace(plan, **changes)).write(folder)
        return repository

    return add


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes this a machine with one TensorRT and these GPUs."""

    def become(version: str | None, *gpus: Gpu) -> None:
        monkeypatch.setattr(fit, "_version_here", lambda runtime: (version, "a tritonserver"))
        monkeypatch.setattr(fit, "visible_gpus", lambda: list(gpus))

    return become


def inspect(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    capsys.readouterr()
    code = main(["inspect", str(path)])
    printed = capsys.readouterr()
    return code, printed.out + printed.err


@pytest.mark.parametrize("part", [".", "mask_rcnn_network", "mask_rcnn_network/1"])
def test_a_repository_is_described_and_fits(
    demo_repository: Path, capsys: pytest.CaptureFixture[str], part: str
) -> None:
    code, printed = inspect(demo_repository / part, capsys)
    assert code == 0
    for expected in (
        "Mask R-CNN R50-C4, 8 classes, fp32, up to 8 pictures a batch",
        "mask_rcnn_R_50_C4_shapes.pkl, 4,586,108 bytes, sha256 da3613b443be4884",
        "canvas                UINT8 [-1, -1, -1, 3]",
        "mask_probs            FP32  [-1, 100, 14, 14]",
        "MODEL.RPN.PRE_NMS_TOPK_TEST = 1000",
        "model.onnx: fits this machine (ONNX Runtime ",
    ):
        assert expected in printed
    assert "plan" not in printed


def test_a_plan_that_fits_is_described(
    with_plan: Callable[..., Path],
    machine: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    machine("10.16.1", A10)
    code, printed = inspect(with_plan() / NETWORK / "model.plan", capsys)
    assert code == 0
    for expected in (
        "TensorRT 10.16.1.11 for compute capability 8.6, built on NVIDIA A10 (compute capability "
        "8.6), in 61.5 s",
        "profiles       0  canvas      1x2  4x2  8x2",
        "model.plan: fits this machine (TensorRT 10.16.1 of a tritonserver; NVIDIA A10 (compute",
    ):
        assert expected in printed
    assert "model.onnx: " not in printed, "the plan alone was asked for"


@pytest.mark.parametrize(
    ("version", "gpus", "changes", "fault"),
    [
        (
            "11.2.1",
            [A10],
            {},
            "version: it was compiled by TensorRT 10.16.1.11 and loads in that v",
        ),
        (
            "10.16.1",
            [L4],
            {},
            "GPU: it was compiled for compute capability 8.6 (on NVIDIA A10); he",
        ),
        ("10.16.1", [], {}, "GPU: it needs one of compute capability 8.6; there is none here"),
        (None, [A10], {}, "version: it needs TensorRT; there is none here"),
        (
            "1.6.0.1",
            [A10],
            {"runtime": "tensorrt_rtx", "tensorrt_version": "1.7.1.116", "gpu": None},
            "version: it was compiled by TensorRT-RTX 1.7.1.116 and loads in that version alone; "
            "here is 1.6.0.1",
        ),
    ],
)
def test_a_plan_that_does_not_fit_is_named_with_its_reason(
    with_plan: Callable[..., Path],
    machine: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    version: str | None,
    gpus: list[Gpu],
    changes: dict[str, object],
    fault: str,
) -> None:
    machine(version, *gpus)
    code, printed = inspect(with_plan(**changes), capsys)
    assert code == 1
    assert f"model.plan: does not fit this machine\n  {fault}" in printed
    assert "model.onnx: fits this machine" in printed


def test_a_truncated_plan_does_not_fit(
    with_plan: Callable[..., Path],
    machine: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    machine("10.16.1", A10)
    repository = with_plan()
    (repository / NETWORK / "model.plan").write_bytes(b"a plan")
    code, printed = inspect(repository, capsys)
    assert code == 1
    assert "machine\n  contents: 6 bytes of the 39 that the build wrote\n" in printed


def test_an_onnx_file_that_was_edited_after_the_build_does_not_fit(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = repository / NETWORK / "model.onnx"
    model = onnx.load(path)
    model.doc_string = "edited"
    onnx.save(model, path)
    for named in (repository, path):
        code, printed = inspect(named, capsys)
        assert code == 1
        assert "model.onnx: does not fit this machine\n  contents: " in printed


def test_an_onnx_file_is_described_without_its_manifest(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / NETWORK / MANIFEST).unlink()
    code, printed = inspect(repository / NETWORK / "model.onnx", capsys)
    assert code == 0
    assert "made by        mask-rcnn-triton" in printed
    assert "image_size            INT32 [-1, 2]" in printed
    assert "model.onnx: fits this machine (ONNX Runtime " in printed


def test_a_network_that_onnx_runtime_cannot_run_does_not_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tensors = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1]) for n in "xy"]
    node = onnx.helper.make_node("TRT_Plugin", ["x"], ["y"], domain="elsewhere")
    graph = onnx.helper.make_graph([node], "network", tensors[:1], tensors[1:])
    opsets = [onnx.helper.make_opsetid("", 18), onnx.helper.make_opsetid("elsewhere", 1)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=9)
    onnx.save(model, tmp_path / "model.onnx")
    code, printed = inspect(tmp_path / "model.onnx", capsys)
    assert code == 1
    assert "does not fit this machine\n  ONNX Runtime " in printed
    assert "TRT_Plugin" in printed


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nowhere", None, "nowhere: no such file or folder"),
        ("model.plan", b"plan", "model.plan: is no ONNX file, and no manifest.json beside it"),
        ("model.onnx", b"", "model.onnx: is no ONNX file"),
        (MANIFEST, b"{}", "manifest.json: is not a manifest as this version of the builder writes"),
    ],
)
def test_what_is_no_build_is_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: bytes | None,
    message: str,
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    code, printed = inspect(tmp_path / name, capsys)
    assert code == 1
    assert printed.startswith(f"error: {tmp_path / message}")


def test_a_folder_without_a_build_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = inspect(tmp_path, capsys)
    assert code == 1
    assert printed.startswith(f"error: {tmp_path}: nothing is built in it: there is no manifest")
