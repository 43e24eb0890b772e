"""The demo network, its weights, and what detectron2 computed with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from canvas import draw_canvas
from decode import decode_images
from resize import resize_with_pillow, resized_size

from builder.network import ModelConfig, export_onnx, load_config, network_spec
from builder.weights import load_weights
from tests.builder.network.graph_pieces import Arrays, Stages

ROOT = Path(__file__).parents[3]
Resized = Callable[[Path, int, int], npt.NDArray[np.uint8]]


@pytest.fixture(scope="session")
def demo_config() -> ModelConfig:
    return load_config(ROOT / "demo/mask_rcnn_R_50_C4_shapes.yaml")


@pytest.fixture(scope="session")
def demo_weights(demo_config: ModelConfig) -> Arrays:
    parameters = network_spec(demo_config).parameters
    return load_weights(ROOT / "demo/mask_rcnn_R_50_C4_shapes.pkl", parameters)


@pytest.fixture(scope="session")
def demo_stages(demo_config: ModelConfig, demo_weights: Arrays) -> Stages:
    return Stages(export_onnx(demo_config, demo_weights))


@pytest.fixture(scope="session")
def demo_goldens() -> Arrays:
    return dict(np.load(ROOT / "tests/goldens/goldens_demo.npz"))


@pytest.fixture(scope="session")
def resized() -> Resized:
    """A picture file as the network is given it: UINT8 [h, w, 3], BGR."""

    def resize(path: Path, min_size: int, max_size: int) -> npt.NDArray[np.uint8]:
        (image,) = decode_images([path.read_bytes()])
        size = resized_size(image.height, image.width, min_size, max_size)
        return draw_canvas([image], [size], size, resize_with_pillow)[0]

    return resize
