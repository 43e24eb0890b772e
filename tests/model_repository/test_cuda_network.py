from __future__ import annotations

import sys
from pathlib import Path
from runpy import run_path
from types import ModuleType, SimpleNamespace

import numpy as np
import onnxruntime as ort
import pytest
from cpu_network import CpuNetwork
from cuda_network import INITIALIZERS, PROBE, PROVIDER, CudaNetwork

from builder.network import export_onnx
from builder.quantization.pictures import network_inputs
from tests.builder.network.trained_models import TRAINED_MODELS
from tests.model_repository.batched_network import (
    assert_batches_have_the_answers_of_single_pictures,
)

PHOTOS = Path(__file__).parents[2] / "demo/val/images"
HAS_CUDA = PROVIDER in ort.get_available_providers()


@pytest.mark.parametrize("model", ["C4", "FPN"])
def test_what_suits_a_gpu_better_has_the_same_answers(model: str) -> None:
    config, weights = TRAINED_MODELS[model].load()
    network = export_onnx(config, weights)
    there = {"in_rounds", "one_by_one"} | ({"level_by_level"} if model == "FPN" else set())
    assert INITIALIZERS.keys() & {each.name for each in network.graph.initializer} == there
    sessions = []
    for initializers in ({}, INITIALIZERS):
        options = ort.SessionOptions()
        for name, value in initializers.items():
            options.add_initializer(name, value)
        sessions.append(ort.InferenceSession(network.SerializeToString(), options))
    for photo in sorted(PHOTOS.glob("*.jpg"))[:4]:
        inputs = network_inputs(photo, config)
        expected, found = (session.run(None, inputs) for session in sessions)
        for value, other in zip(expected, found, strict=True):
            np.testing.assert_array_equal(value, other)


@pytest.mark.skipif(HAS_CUDA, reason="this onnxruntime has CUDA")
def test_without_cuda_it_is_said_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"GPU 1, .* has no CUDA; install onnxruntime-gpu"):
        CudaNetwork(tmp_path / "model.onnx", ort.SessionOptions(), 1)


def test_a_network_whose_gpu_does_not_answer_is_not_ready() -> None:
    class Lost:
        def update_inplace(self, _: object) -> None:
            raise RuntimeError("CUDA failure 719: unspecified launch failure")

    network = object.__new__(CudaNetwork)
    # On the CPU this stands in for a GPU that answers.
    network._on_gpu = ort.OrtValue.ortvalue_from_numpy(PROBE)
    assert network.is_ready() is True
    network._on_gpu = Lost()
    with pytest.raises(RuntimeError, match="CUDA failure 719"):
        network.is_ready()


def test_triton_is_told_by_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the python backend asks since 2.67: by this name, for nothing but a bool."""
    utils = "triton_python_backend_utils"
    monkeypatch.setitem(sys.modules, utils, ModuleType(utils))
    path = Path(__file__).parents[2] / "model_repository/mask_rcnn_network/1/model.py"
    model = SimpleNamespace(network=object.__new__(CpuNetwork))
    assert run_path(str(path))["TritonPythonModel"].is_ready(model) is True


@pytest.mark.skipif(not HAS_CUDA, reason="needs onnxruntime-gpu and a GPU")
def test_every_batch_size_has_the_answers_of_single_pictures(demo_repository: Path) -> None:
    model = demo_repository / "mask_rcnn_network/1/model.onnx"
    network = CudaNetwork(model, ort.SessionOptions(), 0)
    assert network.is_ready() is True
    assert_batches_have_the_answers_of_single_pictures(network, 7)
