"""The network's TensorRT configuration in a real server that has no backend for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from artifact.manifest import MANIFEST
from server.errors import ServerError
from server.launch import TritonServer

CONFIG = Path("mask_rcnn_network") / "config.pbtxt"


@pytest.fixture
def repository(demo_repository: Path, tmp_path: Path) -> Path:
    """A copy without the manifest, by which the launcher would refuse what has no plan."""
    copy = Path(shutil.copytree(demo_repository, tmp_path / "repository"))
    (copy / "mask_rcnn_network" / "1" / MANIFEST).unlink()
    return copy


def test_it_is_accepted_up_to_the_missing_backend(repository: Path, tmp_path: Path) -> None:
    (repository / "mask_rcnn_network" / "1" / "model.plan").write_bytes(b"a plan")
    with pytest.raises(ServerError) as error:
        TritonServer(repository, log_path=tmp_path / "log").start()
    assert "2 models failed to load" in str(error.value), "the network and the ensemble"
    assert "unable to find backend library for backend 'tensorrt'" in str(error.value)
    for model in ("mask_rcnn_preprocess", "mask_rcnn_postprocess"):
        assert f"successfully loaded '{model}'" in (tmp_path / "log").read_text()


def test_the_network_answers_the_warm_up_of_each_canvas(repository: Path, tmp_path: Path) -> None:
    config = text_format.Parse((repository / CONFIG).read_text(), ModelConfig())
    onnxruntime = repository / "mask_rcnn_network" / "configs" / "onnxruntime.pbtxt"
    served = text_format.Parse(onnxruntime.read_text(), ModelConfig())
    served.model_warmup.extend(config.model_warmup)
    for warmup in served.model_warmup:
        warmup.batch_size = 1  # of 8, which is much for a CPU
    onnxruntime.write_text(text_format.MessageToString(served))
    log = tmp_path / "log"
    with TritonServer(
        repository,
        model_config_name="onnxruntime",
        log_path=log,
        options=["--log-verbose=1"],
    ) as server:
        assert "mask_rcnn_network" in server.models
    names = [warmup.name for warmup in config.model_warmup]
    assert names == ["8x288x480", "8x480x288", "8x480x480"]
    for warmup in config.model_warmup:
        assert f"is running warmup sample '{warmup.name}'" in log.read_text()
    assert "warmup error" not in log.read_text()
