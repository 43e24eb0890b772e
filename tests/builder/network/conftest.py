"""The demo network, its weights, and what detectron2 computed with them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from canvas import draw_canvas
from decode import decode_images
from resize import resize_with_pillow, resized_size

from builder.config import ModelConfig, load_config
from builder.network import parameter_shapes
from builder.weights import load_weights
from tests.builder.network.graph_pieces import Arrays, Stages

ROOT = Path(__file__).parents[3]
Resized = Callable[[Path, int, int], npt.NDArray[np.uint8]]


@pytest.fixture(scope="session")
def demo_config() -> ModelConfig:
    return load_config(ROOT / "demo/mask_rcnn_R_50_C4_shapes.yaml")


@pytest.fixture(scope="session")
def coco_settings(demo_config: ModelConfig) -> ModelConfig:
    """The demo's network under COCO's settings, as `goldens_800.npz` was made."""
    return dataclasses.replace(
        demo_config,
        min_size_test=800,
        max_size_test=1333,
        rpn_pre_nms_topk=6000,
        rpn_post_nms_topk=1000,
    )


@pytest.fixture(scope="session")
def demo_weights(demo_config: ModelConfig) -> Arrays:
    return load_weights(ROOT / "demo/mask_rcnn_R_50_C4_shapes.pkl", parameter_shapes(demo_config))


@pytest.fixture(scope="session")
def demo_stages(demo_config: ModelConfig, demo_weights: Arrays) -> Stages:
    return Stages(demo_config, demo_weights)


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
