"""What keeps a plan from being loaded, told before a server is started."""

from __future__ import annotations

import dataclasses

import pytest

from artifact.gpu import Gpu
from artifact.manifest import MANIFEST, FileRecord, Manifest
from artifact.plan_check import plan_faults
from server import plans
from server.errors import ServerError
from server.launch import TritonServer
from tests.example_plan import PLAN_ON_AN_A10

CONTENT = b"a plan, as far as its hash is concerned"
A10, L4, T4 = Gpu("NVIDIA A10", "8.6"), Gpu("NVIDIA L4", "8.9"), Gpu("Tesla T4", "7.5")
CONFIG = """
name: "network"
platform: "tensorrt_plan"
backend: "tensorrt"
max_batch_size: 8
input [ { name: "numbers" data_type: TYPE_FP32 dims: [ -1 ] } ]
output [ { name: "echo" data_type: TYPE_FP32 dims: [ -1 ] } ]
"""


@pytest.fixture
def repository(tmp_path, add_model, monkeypatch):
    """A repository whose model `network` has a plan, and a python model as its configuration
    `onnxruntime`. Which GPU this machine has does not matter."""
    monkeypatch.setattr(plans, "visible_gpus", lambda: [A10])
    folder = tmp_path / "repository"
    add_model(folder, "network")
    (folder / "network" / "configs").mkdir()
    python = folder / "network" / "config.pbtxt"
    python.rename(folder / "network" / "configs" / "onnxruntime.pbtxt")
    python.write_text(CONFIG)
    version = folder / "network" / "1"
    (version / "model.plan").write_bytes(CONTENT)
    (version / "model.onnx").write_bytes(b"")
    manifest_of(version).write(version)
    return folder


def manifest_of(version, **changes):
    record = FileRecord.read(version / "model.onnx")
    plan = dataclasses.replace(
        PLAN_ON_AN_A10, file=FileRecord.read(version / "model.plan"), gpu=A10
    )
    return Manifest(
        builder_version="0.1.0",
        network_version="0",
        built="2025-01-01T00:00:00+00:00",
        weights=record,
        model="Mask R-CNN R50-C4",
        num_classes=80,
        configuration={},
        configuration_sha256="0",
        precision="fp16",
        max_batch=8,
        inputs=(),
        outputs=(),
        onnx=record,
        plan=dataclasses.replace(plan, **changes),
    )


def faults(repository, version="10.16.1", gpus=(A10,), **changes):
    folder = repository / "network" / "1"
    return plan_faults(manifest_of(folder, **changes), folder, version, gpus)


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
def test_a_plan_that_can_be_loaded_has_no_fault(changes, version, gpus, repository):
    assert faults(repository, version, gpus, **changes) == []


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
def test_the_version_or_the_gpu_that_disagrees_is_named(changes, version, gpus, fault, repository):
    [line] = faults(repository, version, gpus, **changes)
    assert fault in line


def test_all_that_disagrees_is_named_at_once(repository):
    (repository / "network" / "1" / "model.plan").write_bytes(CONTENT)
    found = faults(repository, "11.2.1", (L4,), file=FileRecord("model.plan", 1_000_000, "0" * 64))
    assert [line.partition(":")[0] for line in found] == ["contents", "version", "GPU"]


@pytest.mark.parametrize(
    ("damage", "reason"),
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
def test_the_launcher_refuses_a_damaged_plan_and_starts_nothing(
    damage, reason, repository, traces_of
):
    path = repository / "network" / "1" / "model.plan"
    damage(path)
    with pytest.raises(ServerError) as error:
        TritonServer(repository).start()
    message = str(error.value)
    assert message.startswith(f"{path} cannot be loaded here\n  {reason}")
    assert "python -m builder build --runtime tensorrt" in message
    assert "--model-config-name onnxruntime" in message
    assert traces_of(repository).processes == {}


def test_the_launcher_refuses_a_plan_of_another_gpu(repository, monkeypatch):
    monkeypatch.setattr(plans, "visible_gpus", lambda: [L4])
    with pytest.raises(ServerError, match=r"model\.plan cannot be loaded here\n  GPU: it was comp"):
        TritonServer(repository).start()


def test_the_launcher_refuses_a_plan_of_another_tensorrt(repository, monkeypatch):
    monkeypatch.setattr(plans, "tensorrt_version", lambda installation: "11.2.1")
    with pytest.raises(
        ServerError, match=r"model\.plan cannot be loaded here\n  version: it was c"
    ):
        TritonServer(repository).start()


def test_the_launcher_refuses_tensorrt_for_a_build_without_a_plan(repository):
    version = repository / "network" / "1"
    dataclasses.replace(manifest_of(version), plan=None).write(version)
    with pytest.raises(ServerError, match=r"contents: there is no plan; .* for ONNX Runtime alone"):
        TritonServer(repository).start()


def test_a_sound_plan_goes_as_far_as_this_tritonserver_has_a_backend(repository):
    with pytest.raises(ServerError, match="unable to find backend library for backend 'tensorrt'"):
        TritonServer(repository).start()


def test_a_plan_that_is_not_to_be_loaded_is_not_checked(repository):
    (repository / "network" / "1" / "model.plan").write_bytes(b"")
    with TritonServer(repository, model_config_name="onnxruntime") as server:
        assert server.models == ["network"]


def test_a_plan_without_a_manifest_is_left_to_triton(repository):
    (repository / "network" / "1" / MANIFEST).unlink()
    with pytest.raises(ServerError, match="unable to find backend library for backend 'tensorrt'"):
        TritonServer(repository).start()
