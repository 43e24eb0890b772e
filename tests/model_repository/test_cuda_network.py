from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import pytest
from cuda_network import INITIALIZERS, PROVIDER, CudaNetwork, batch_parts

from builder.network import export_onnx
from builder.quantization.pictures import network_inputs
from tests.builder.network.trained_models import TRAINED_MODELS

PHOTOS = Path(__file__).parents[2] / "demo/val/images"
HAS_CUDA = PROVIDER in ort.get_available_providers()


@pytest.mark.parametrize(
    ("size", "sizes"), [(1, [1]), (2, [2]), (3, [2, 1]), (7, [4, 2, 1]), (8, [8]), (13, [8, 4, 1])]
)
def test_a_batch_is_cut_into_powers_of_two(size: int, sizes: list[int]) -> None:
    batch = {"canvas": np.arange(size), "image_size": -np.arange(size)}
    parts = list(batch_parts(batch))
    assert [len(part["canvas"]) for part in parts] == sizes
    for name, whole in batch.items():
        assert np.array_equal(np.concatenate([part[name] for part in parts]), whole)


@pytest.mark.parametrize("model", ["C4", "FPN"])
def test_what_suits_a_gpu_better_has_the_same_answers(model: str) -> None:
    config, weights = TRAINED_MODELS[model].load()
    network = export_onnx(config, weights)
    assert INITIALIZERS.keys() == {"roi_heads.each_picture", "proposal_generator.few_groups"}
    assert INITIALIZERS.keys() <= {each.name for each in network.graph.initializer}
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


@pytest.mark.skipif(not HAS_CUDA, reason="needs onnxruntime-gpu and a GPU")
def test_every_batch_size_has_the_answers_of_single_pictures(demo_repository: Path) -> None:
    model = demo_repository / "mask_rcnn_network/1/model.onnx"
    network = CudaNetwork(model, ort.SessionOptions(), 0)
    pixels = np.random.default_rng(0).integers(0, 256, (7, 288, 480, 3), np.uint8)
    batch: dict[str, npt.NDArray[Any]] = {
        "canvas": pixels,
        "image_size": np.full((7, 2), 288, np.int32),
    }
    outputs = ["num_detections", "boxes", "scores", "classes"]
    singles = [
        network.run(outputs, {name: array[n : n + 1] for name, array in batch.items()})
        for n in range(7)
    ]
    for together, alone in zip(
        network.run(outputs, batch), zip(*singles, strict=True), strict=True
    ):
        assert np.allclose(together, np.concatenate(alone), rtol=1e-3, atol=0.1)
