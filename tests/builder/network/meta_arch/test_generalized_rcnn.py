"""The exported network, stage by stage, against what detectron2 computed on the same pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from builder.network import ModelConfig, export_onnx
from tests.builder.network.graph_pieces import Arrays, Stages

ROOT = Path(__file__).parents[4]


def assert_same(found: Arrays, goldens: Arrays, picture: int, size: tuple[int, int]) -> None:
    """semantics.md's "exact", for each stage in turn."""
    golden = {
        key.partition(".")[2]: value
        for key, value in goldens.items()
        if key.startswith(f"{picture}.")
    }
    rows, columns = (-(-side // 16) for side in size)
    res4_mean = found["res4"][0, :, :rows, :columns].mean((1, 2))
    np.testing.assert_allclose(res4_mean, golden["res4_mean"], atol=1e-4)

    exists = found["proposals.exist"][0]
    assert_same_proposals(
        found["proposals.boxes"][0][exists],
        found["rpn.logits"][0][exists],
        golden["proposal_boxes"],
        golden["proposal_logits"],
    )

    count = found["num_detections"][0, 0]
    assert count == len(golden["boxes"])
    np.testing.assert_array_equal(found["classes"][0, :count], golden["classes"])
    np.testing.assert_allclose(found["boxes"][0, :count], golden["boxes"], atol=1e-3)
    np.testing.assert_allclose(found["scores"][0, :count], golden["scores"], atol=1e-5)
    np.testing.assert_allclose(found["mask_probs"][0, :count], golden["masks"][:, 0], atol=1e-4)
    assert not found["boxes"][0, count:].any()
    assert not found["scores"][0, count:].any()


def assert_same_proposals(
    boxes: npt.NDArray[np.float32],
    logits: npt.NDArray[np.float32],
    golden_boxes: npt.NDArray[np.float32],
    golden_logits: npt.NDArray[np.float32],
) -> None:
    """The same boxes in the same order; logits that differ by rounding alone may change places."""
    np.testing.assert_allclose(logits, golden_logits, atol=5e-5)
    distance = np.abs(boxes[:, None] - golden_boxes[None]).max(2)
    place = distance.argmin(1)
    assert (distance.min(1) <= 1e-3).all()
    assert sorted(place) == list(range(len(golden_boxes)))
    np.testing.assert_allclose(golden_logits[place], golden_logits, atol=1e-5)


def size_of(pixels: npt.NDArray[np.uint8]) -> tuple[int, int]:
    """Height and width."""
    return pixels.shape[0], pixels.shape[1]


@pytest.mark.parametrize("picture", range(6))
def test_every_stage_equals_detectron2_on_the_demo(
    picture: int, demo_stages: Stages, demo_goldens: Arrays
) -> None:
    pixels = demo_goldens[f"{picture}.resized"]
    size = size_of(pixels)
    assert_same(demo_stages(pixels[None], [size]), demo_goldens, picture, size)


@pytest.fixture(scope="module")
def coco_stages(coco_settings: ModelConfig, demo_weights: Arrays) -> Stages:
    return Stages(export_onnx(coco_settings, demo_weights))


@pytest.mark.parametrize("picture", range(3))
def test_every_stage_equals_detectron2_under_cocos_settings(
    picture: int,
    coco_stages: Stages,
    resized: Callable[[Path, int, int], npt.NDArray[np.uint8]],
) -> None:
    goldens = dict(np.load(ROOT / "tests/goldens/goldens_800.npz"))
    path = ROOT / "demo/val/images" / str(goldens[f"{picture}.file"])
    pixels = resized(path, 800, 1333)
    size = size_of(pixels)
    assert_same(coco_stages(pixels[None], [size]), goldens, picture, size)


@pytest.mark.parametrize("canvas", [(288, 480), (480, 480), (512, 544)])
def test_the_canvas_cannot_be_seen_in_the_answer(
    canvas: tuple[int, int], demo_stages: Stages, demo_goldens: Arrays
) -> None:
    pixels = demo_goldens["0.resized"]
    size = size_of(pixels)
    padded = np.zeros((1, *canvas, 3), np.uint8)
    padded[0, : size[0], : size[1]] = pixels
    assert_same(demo_stages(padded, [size]), demo_goldens, 0, size)


def test_what_lies_in_the_padding_cannot_be_seen_in_the_answer(
    demo_stages: Stages, demo_goldens: Arrays
) -> None:
    pixels = demo_goldens["4.resized"]
    size = size_of(pixels)
    noise = np.random.default_rng(0).integers(0, 256, (1, 320, 512, 3), np.uint8)
    noise[0, : size[0], : size[1]] = pixels
    assert_same(demo_stages(noise, [size]), demo_goldens, 4, size)


def test_neighbours_in_the_batch_cannot_be_seen_in_the_answer(
    demo_stages: Stages, demo_goldens: Arrays
) -> None:
    pictures = [demo_goldens[f"{i}.resized"] for i in range(6)]
    sizes = [size_of(picture) for picture in pictures]
    canvas = np.zeros((6, 288, 480, 3), np.uint8)
    for place, picture in zip(canvas, pictures, strict=True):
        place[: picture.shape[0], : picture.shape[1]] = picture
    found = demo_stages(canvas, sizes)
    for i, size in enumerate(sizes):
        assert_same({k: v[i : i + 1] for k, v in found.items()}, demo_goldens, i, size)


@pytest.mark.parametrize("size", [(1, 1), (1, 480), (288, 1), (17, 33)])
def test_a_picture_of_a_few_pixels_is_answered(size: tuple[int, int], demo_stages: Stages) -> None:
    found = demo_stages(np.full((1, *size, 3), 255, np.uint8), [size])
    count = found["num_detections"][0, 0]
    assert 0 <= count <= 100
    height, width = size
    boxes = found["boxes"][0, :count]
    assert np.isfinite(boxes).all()
    assert (boxes >= 0).all()
    assert (boxes <= [width, height, width, height]).all()


def test_an_even_picture_has_detections_only_within_it(demo_stages: Stages) -> None:
    found = demo_stages(np.zeros((1, 96, 96, 3), np.uint8), [(64, 48)])
    exists = found["proposals.exist"][0]
    assert exists.any()
    assert (found["proposals.boxes"][0][exists] <= [48, 64, 48, 64]).all()
