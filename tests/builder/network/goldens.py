"""Pictures as the network gets them, and answers as detectron2 gave them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from keypoints import heatmaps_to_keypoints

from tests.builder.network.graph_pieces import Arrays

Pixels = npt.NDArray[np.uint8]
Array = npt.NDArray[np.float32]


def size_of(pixels: Pixels) -> tuple[int, int]:
    """Height and width."""
    return pixels.shape[0], pixels.shape[1]


def rounded_up(size: tuple[int, int], multiple: int) -> tuple[int, int]:
    """A size of the next multiples."""
    height, width = (-(-side // multiple) * multiple for side in size)
    return height, width


def on_canvas(pictures: Sequence[Pixels], size: tuple[int, int], noise: bool = False) -> Pixels:
    """The pictures at the top left of one canvas each, UINT8 [N, *size, 3]."""
    canvas = np.zeros((len(pictures), *size, 3), np.uint8)
    if noise:
        canvas = np.random.default_rng(0).integers(0, 256, canvas.shape, np.uint8)
    for place, picture in zip(canvas, pictures, strict=True):
        place[: picture.shape[0], : picture.shape[1]] = picture
    return canvas


def golden_of(goldens: Arrays, prefix: str) -> Arrays:
    """The arrays whose names begin with `prefix` and a dot, without them."""
    start = f"{prefix}."
    return {key.removeprefix(start): goldens[key] for key in goldens if key.startswith(start)}


def assert_same_proposals(found: Arrays, place: int, golden: Arrays, box: float = 1e-3) -> None:
    """The same boxes in the same order; logits that differ by rounding alone may change places.

    Args:
        found: the outputs of `Stages`.
        place: of the picture in the batch.
        golden: what detectron2 has for the picture.
        box: tolerance in pixels.
    """
    exists = found["proposals.exist"][place]
    boxes, logits = found["proposals.boxes"][place][exists], found["rpn.logits"][place][exists]
    golden_boxes, golden_logits = golden["proposal_boxes"], golden["proposal_logits"]
    np.testing.assert_allclose(logits, golden_logits, atol=5e-5)
    distance = np.abs(boxes[:, None] - golden_boxes[None]).max(2)
    partner = distance.argmin(1)
    assert (distance.min(1) <= box).all()
    assert sorted(partner) == list(range(len(golden_boxes)))
    np.testing.assert_allclose(golden_logits[partner], golden_logits, atol=5e-5)


def assert_same_detections(
    found: Arrays, place: int, golden: Arrays, *, box: float, score: float, mask: float
) -> None:
    """The same detections in the same order, and nothing after them.

    Args:
        found, place, golden: as in `assert_same_proposals`; masks may be of the first alone.
        box: tolerance in pixels.
        score, mask: tolerances.
    """
    count = found["num_detections"][place, 0]
    assert count == len(golden["boxes"])
    np.testing.assert_array_equal(found["classes"][place, :count], golden["classes"])
    np.testing.assert_allclose(found["boxes"][place, :count], golden["boxes"], atol=box)
    np.testing.assert_allclose(found["scores"][place, :count], golden["scores"], atol=score)
    assert ("mask_probs" in found) == ("masks" in golden)
    if "masks" in golden:
        masks = golden["masks"]
        np.testing.assert_allclose(
            found["mask_probs"][place, : len(masks)], masks.astype(np.float32), atol=mask
        )
    assert ("keypoint_logits" in found) == ("keypoints" in golden)
    if "keypoints" in golden:
        assert_same_keypoints(found, place, golden)
    assert not found["boxes"][place, count:].any()
    assert not found["scores"][place, count:].any()


def assert_same_keypoints(found: Arrays, place: int, golden: Arrays) -> None:
    """The same points, in pixels of the picture as the network gets it, and scores."""
    count = len(golden["boxes"])
    logits, normalizers, boxes = (
        found[name][place, :count] for name in ("keypoint_logits", "keypoint_normalizers", "boxes")
    )
    points = heatmaps_to_keypoints(logits, normalizers, boxes)
    np.testing.assert_allclose(points[..., :2], golden["keypoints"][..., :2], atol=0.01)
    np.testing.assert_allclose(points[..., 2], golden["keypoints"][..., 2], rtol=0, atol=1e-4)
