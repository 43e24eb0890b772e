from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from client.analysis.mask_overlap import mask_overlaps
from client.coco.dataset import CocoImage
from client.errors import ClientError
from tests.client.coco.small_dataset import HEIGHT, WIDTH, compressed

IMAGE = CocoImage(1, "a.jpg", Path("a.jpg"), HEIGHT, WIDTH)


def columns(first: int, count: int) -> str:
    """Counts of a mask of whole columns."""
    inside, before = count * HEIGHT, first * HEIGHT
    return compressed(before, inside, HEIGHT * WIDTH - before - inside)


def result(counts: str) -> dict[str, Any]:
    return {"segmentation": {"size": [HEIGHT, WIDTH], "counts": counts}}


def annotation(segmentation: Any, iscrowd: int = 0) -> dict[str, Any]:
    return {"segmentation": segmentation, "iscrowd": iscrowd}


def test_masks_of_every_kind_overlap_and_what_does_not_is_zero() -> None:
    results = [result(columns(10, 10)), result(columns(40, 4))]
    annotations = [
        annotation([[15, 0, 25, 0, 25, HEIGHT, 15, HEIGHT]]),
        annotation(result(columns(10, 20))["segmentation"]),
        annotation({"size": [HEIGHT, WIDTH], "counts": [0, 20 * HEIGHT, 28 * HEIGHT]}, iscrowd=1),
    ]

    found, empty = mask_overlaps([(IMAGE, results, annotations), (IMAGE, [], annotations)], Path())

    assert found == pytest.approx(np.array([[5 / 15, 0.5, 1], [0, 0, 0]]))
    assert empty.shape == (0, 3)


def test_what_pycocotools_cannot_compare_is_told() -> None:
    pair = (IMAGE, [result(columns(10, 10))], [annotation([[0]])])

    with pytest.raises(ClientError, match=r"pycocotools cannot compare masks with a\.json: "):
        list(mask_overlaps([pair], Path("a.json")))
