"""How much masks overlap, computed by pycocotools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from client.coco import mask_overlap_process
from client.coco.dataset import CocoImage
from client.coco.own_process import in_own_process
from client.coco.result_format import CocoResult

LEAST = 0.1
"""Overlaps below it are 0: TIDE's t_b, below which a mask has nothing to do with an object."""

Annotation = Mapping[str, Any]
Overlaps = npt.NDArray[np.float64]
"""[n results, m annotations], intersection over union; with crowds the part of the result in it."""


def mask_overlaps(
    pictures: Sequence[tuple[CocoImage, Sequence[CocoResult], Sequence[Annotation]]], file: Path
) -> Iterator[Overlaps]:
    """Of the masks of each picture.

    Args:
        pictures: each with its results and annotations, which all have masks.
        file: of the annotations.

    Raises:
        ClientError: pycocotools cannot work with them.
    """
    found = in_own_process(
        mask_overlap_process.__file__,
        (
            [
                (
                    image.height,
                    image.width,
                    [result["segmentation"] for result in results],
                    [annotation["segmentation"] for annotation in objects],
                    [annotation["iscrowd"] for annotation in objects],
                )
                for image, results, objects in pictures
            ],
            LEAST,
        ),
        task=f"compare masks with {file}",
    )
    for (_, results, objects), (rows, columns, values) in zip(pictures, found, strict=True):
        overlaps = np.zeros((len(results), len(objects)))
        overlaps[rows, columns] = values
        yield overlaps
