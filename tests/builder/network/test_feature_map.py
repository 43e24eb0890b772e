"""What of a canvas may count, for backbones that pad a picture alone and for those that do not."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from builder.network import ModelConfig, export_onnx
from builder.network.backbones.resnet import ResNetSettings
from builder.repository.canvases import canvases
from tests.builder.network.graph_pieces import Arrays, Stages

SIZE = (100, 130)
"""No multiple of 32: rounded up, 128 x 160."""


@dataclass(frozen=True)
class PaddedResNetSettings(ResNetSettings):
    """A ResNet that is given each picture padded to multiples of 32, as a pyramid is."""

    size_divisibility = 32


@pytest.fixture(scope="module")
def padded_config(demo_config: ModelConfig) -> ModelConfig:
    backbone = PaddedResNetSettings(**vars(demo_config.model.backbone))
    model = dataclasses.replace(demo_config.model, backbone=backbone)
    return dataclasses.replace(demo_config, model=model)


@pytest.fixture(scope="module")
def padded_stages(padded_config: ModelConfig, demo_weights: Arrays) -> Stages:
    return Stages(export_onnx(padded_config, demo_weights))


def on_canvas(height: int, width: int) -> npt.NDArray[np.uint8]:
    """The same picture of `SIZE` on a canvas of another size, with noise around it."""
    canvas = np.random.default_rng(height).integers(0, 256, (1, height, width, 3), np.uint8)
    canvas[0, : SIZE[0], : SIZE[1]] = np.random.default_rng(0).integers(0, 256, (*SIZE, 3))
    return canvas


def test_the_extent_is_the_size_rounded_up_and_nothing_beyond_it_is_seen(
    padded_stages: Stages,
) -> None:
    smallest = padded_stages(on_canvas(128, 160), [SIZE])
    larger = padded_stages(on_canvas(256, 224), [SIZE])
    res4 = smallest["res4"]
    assert res4.shape[2:] == (8, 10)
    np.testing.assert_allclose(larger["res4"][:, :, :8, :10], res4, atol=1e-5)
    for name in ("proposals.boxes", "boxes", "scores", "mask_probs"):
        np.testing.assert_allclose(larger[name], smallest[name], atol=1e-3, err_msg=name)
    assert (smallest["proposals.boxes"] <= [130, 100, 130, 100]).all()


def test_the_margin_counts_only_where_the_backbone_pads(
    padded_stages: Stages, demo_stages: Stages
) -> None:
    canvas = on_canvas(128, 160)
    padded, alone = (
        stages(canvas, [SIZE])["res4"][:, :, :7, :9] for stages in (padded_stages, demo_stages)
    )
    assert np.abs(padded - alone).max() > 0.01


def test_canvases_are_multiples_of_what_the_backbone_pads_to(padded_config: ModelConfig) -> None:
    config = dataclasses.replace(
        padded_config,
        input=dataclasses.replace(padded_config.input, min_size_test=300, max_size_test=500),
    )
    assert canvases(config) == ((320, 512), (512, 320), (512, 512))
