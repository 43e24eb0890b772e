"""What keeps a plan from being loaded, told before a server is started."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from artifact.gpu import Gpu
from artifact.manifest import MANIFEST, FileRecord
from artifact.names import ONNX, PLAN
from server import plans
from server.errors import ServerError
from server.launch import TritonServer
from tests.example_plan import BUILD_ON_AN_A10, PLAN_ON_AN_A10
from tests.server.traces import Traces

A10, L4 = Gpu("NVIDIA A10", "8.6"), Gpu("NVIDIA L4", "8.9")
VERSION = Path("network") / "1"
PLAN_FILE = VERSION / PLAN
CONFIG = """
name: "network"
platform: "tensorrt_plan"
backend: "tensorrt"
max_batch_size: 8
input [ { name: "numbers" data_type: TYPE_FP32 dims: [ -1 ] } ]
output [ { name: "echo" data_type: TYPE_FP32 dims: [ -1 ] } ]
"""


@pytest.fixture
def repository(
    tmp_path: Path, add_model: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A repository whose model `network` has a plan, and a python model as its configuration
    `onnxruntime`. Which GPU this machine has does not matter."""
    monkeypatch.setattr(plans, "visible_gpus", lambda: [A10])
    folder = tmp_path / "repository"
    add_model(folder, "network")
    (folder / "network" / "configs").mkdir()
    python = folder / "network" / "config.pbtxt"
    python.rename(folder / "network" / "configs" / "onnxruntime.pbtxt")
    python.write_text(CONFIG)
    version = folder / VERSION
    (version / PLAN).write_bytes(b"a plan, as far as its hash is concerned")
    (version / ONNX).write_bytes(b"")
    plan = dataclasses.replace(PLAN_ON_AN_A10, file=FileRecord.read(version / PLAN))
    dataclasses.replace(BUILD_ON_AN_A10, plan=plan).write(version)
    return folder


def test_the_launcher_refuses_a_damaged_plan_and_starts_nothing(repository: Path) -> None:
    path = repository / PLAN_FILE
    path.write_bytes(b"half a plan")
    with pytest.raises(ServerError) as error:
        TritonServer(repository).start()
    message = str(error.value)
    assert message.startswith(
        f"{path} cannot be loaded here\n  contents: 11 bytes of the 39 that the build wrote"
    )
    assert "python -m builder build --runtime tensorrt" in message
    assert "--model-config-name onnxruntime" in message
    assert Traces.of(repository).processes == {}


def test_the_launcher_refuses_a_plan_of_another_gpu(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "visible_gpus", lambda: [L4])
    with pytest.raises(ServerError, match=r"model\.plan cannot be loaded here\n  GPU: it was comp"):
        TritonServer(repository).start()


def test_the_launcher_refuses_a_plan_of_another_tensorrt(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "tensorrt_version", lambda installation: "11.2.1")
    with pytest.raises(
        ServerError, match=r"model\.plan cannot be loaded here\n  version: it was c"
    ):
        TritonServer(repository).start()


def test_the_launcher_refuses_tensorrt_for_a_build_without_a_plan(repository: Path) -> None:
    dataclasses.replace(BUILD_ON_AN_A10, plan=None).write(repository / VERSION)
    with pytest.raises(ServerError, match=r"contents: there is no plan; .* for ONNX Runtime alone"):
        TritonServer(repository).start()


def test_a_sound_plan_goes_as_far_as_this_tritonserver_has_a_backend(repository: Path) -> None:
    with pytest.raises(ServerError, match="unable to find backend library for backend 'tensorrt'"):
        TritonServer(repository).start()


def test_a_plan_that_is_not_to_be_loaded_is_not_checked(repository: Path) -> None:
    (repository / PLAN_FILE).write_bytes(b"")
    with TritonServer(repository, model_config_name="onnxruntime") as server:
        assert server.models == ["network"]


def test_a_plan_without_a_manifest_is_left_to_triton(repository: Path) -> None:
    (repository / VERSION / MANIFEST).unlink()
    with pytest.raises(ServerError, match="unable to find backend library for backend 'tensorrt'"):
        TritonServer(repository).start()


def test_a_manifest_that_cannot_be_read_is_named(repository: Path) -> None:
    path = repository / VERSION / MANIFEST
    path.write_text("half a mani")
    with pytest.raises(ServerError, match=f"{path}: is not a manifest .*; build the repository ag"):
        TritonServer(repository).start()
