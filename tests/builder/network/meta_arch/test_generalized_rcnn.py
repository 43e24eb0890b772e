"""The exported networks, stage by stage, against what detectron2 computed on the same pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from builder.network import ModelConfig, export_onnx
from builder.network.config import InputSettings
from tests.builder.network.goldens import (
    Pixels,
    assert_same_detections,
    assert_same_proposals,
    golden_of,
    on_canvas,
    rounded_up,
    size_of,
)
from tests.builder.network.graph_pieces import Arrays, Stages
from tests.builder.network.trained_models import DEMO, TRAINED_MODELS, TrainedModel


@dataclass(frozen=True)
class Family:
    """A trained model, exported, and what detectron2 computed with it."""

    trained: TrainedModel
    config: ModelConfig
    weights: Arrays
    stages: Stages
    goldens: Arrays

    def pad(self, size: tuple[int, int]) -> tuple[int, int]:
        """What a picture of that size is padded to when it is alone."""
        return rounded_up(size, self.config.model.size_divisibility)

    def assert_same(
        self, found: Arrays, picture: int, size: tuple[int, int], place: int = 0
    ) -> None:
        """semantics.md's "exact", for each stage in turn."""
        assert_same_stages(self, found, place, golden_of(self.goldens, str(picture)), size)


def assert_same_stages(
    family: Family, found: Arrays, place: int, golden: Arrays, size: tuple[int, int]
) -> None:
    for name, stride in family.trained.strides.items():
        rows, columns = (-(-side // stride) for side in family.pad(size))
        mean = found[name][place, :, :rows, :columns].mean((1, 2))
        np.testing.assert_allclose(mean, golden[f"{name}_mean"], atol=1e-4, err_msg=name)
    assert_same_proposals(found, place, golden)
    golden = {**golden, "masks": golden["masks"][:, 0]}
    assert_same_detections(found, place, golden, box=1e-3, score=1e-5, mask=1e-4)


@pytest.fixture(scope="module", params=TRAINED_MODELS)
def family(request: pytest.FixtureRequest) -> Family:
    trained = TRAINED_MODELS[request.param]
    config, weights = trained.load()
    goldens = dict(np.load(trained.goldens / "goldens_demo.npz"))
    return Family(trained, config, weights, Stages(export_onnx(config, weights)), goldens)


@pytest.fixture(scope="module")
def pictures(family: Family, demo_goldens: Arrays) -> list[Pixels]:
    """Those for which the family has goldens."""
    count = sum(key.endswith(".file") for key in family.goldens)
    return [demo_goldens[f"{number}.resized"] for number in range(count)]


def test_every_stage_equals_detectron2_on_the_demo(family: Family, pictures: list[Pixels]) -> None:
    assert len(pictures) >= 3
    for number, pixels in enumerate(pictures):
        size = size_of(pixels)
        found = family.stages(on_canvas([pixels], family.pad(size)), [size])
        family.assert_same(found, number, size)


COCO_TOPK = {"C4": 6000, "FPN": 1000}
"""PRE_NMS_TOPK_TEST of the families that have goldens at COCO's settings."""


@pytest.mark.parametrize("name", COCO_TOPK)
def test_every_stage_equals_detectron2_under_cocos_settings(
    name: str, resized: Callable[[Path, int, int], npt.NDArray[np.uint8]]
) -> None:
    trained = TRAINED_MODELS[name]
    config, weights = trained.load()
    proposal_generator = dataclasses.replace(
        config.model.proposal_generator, pre_nms_topk=COCO_TOPK[name], post_nms_topk=1000
    )
    config = dataclasses.replace(
        config,
        input=InputSettings(),
        model=dataclasses.replace(config.model, proposal_generator=proposal_generator),
    )
    goldens = dict(np.load(trained.goldens / "goldens_800.npz"))
    family = Family(trained, config, weights, Stages(export_onnx(config, weights)), goldens)
    for number in range(3):
        path = DEMO / "val/images" / str(goldens[f"{number}.file"])
        pixels = resized(path, config.input.min_size_test, config.input.max_size_test)
        size = size_of(pixels)
        found = family.stages(on_canvas([pixels], family.pad(size)), [size])
        family.assert_same(found, number, size)


@pytest.mark.parametrize("canvas", [(288, 480), (480, 480), (512, 544)])
def test_the_canvas_cannot_be_seen_in_the_answer(
    canvas: tuple[int, int], family: Family, pictures: list[Pixels]
) -> None:
    size = size_of(pictures[0])
    found = family.stages(on_canvas([pictures[0]], canvas), [size])
    family.assert_same(found, 0, size)


def test_what_lies_in_the_padding_cannot_be_seen_in_the_answer(
    family: Family, pictures: list[Pixels]
) -> None:
    size = size_of(pictures[-1])
    found = family.stages(on_canvas([pictures[-1]], (320, 512), noise=True), [size])
    family.assert_same(found, len(pictures) - 1, size)


def test_neighbours_in_the_batch_cannot_be_seen_in_the_answer(
    family: Family, pictures: list[Pixels]
) -> None:
    sizes = [size_of(picture) for picture in pictures]
    found = family.stages(on_canvas(pictures, (288, 480)), sizes)
    for number, size in enumerate(sizes):
        family.assert_same(found, number, size, place=number)


@pytest.mark.parametrize("size", [(1, 1), (1, 480), (288, 1), (17, 33)])
def test_a_picture_of_a_few_pixels_is_answered(size: tuple[int, int], family: Family) -> None:
    white = np.full((*size, 3), 255, np.uint8)
    found = family.stages(on_canvas([white], family.pad(size)), [size])
    count = found["num_detections"][0, 0]
    assert 0 <= count <= 100
    height, width = size
    boxes = found["boxes"][0, :count]
    assert np.isfinite(boxes).all()
    assert (boxes >= 0).all()
    assert (boxes <= [width, height, width, height]).all()


def test_an_even_picture_has_detections_only_within_it(family: Family) -> None:
    found = family.stages(np.zeros((1, 96, 96, 3), np.uint8), [(64, 48)])
    exists = found["proposals.exist"][0]
    assert exists.any()
    assert (found["proposals.boxes"][0][exists] <= [48, 64, 48, 64]).all()
