"""What was found in a picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Skeleton:
    """What the points of a category are."""

    names: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]
    """Points that a line is drawn between, counted from 0."""

    def names_of(self, count: int) -> tuple[str | None, ...]:
        """The names of so many points; None for each where the skeleton is of another number."""
        return self.names if len(self.names) == count else (None,) * count


@dataclass(frozen=True)
class Detection:
    """One of `Detections`."""

    box: npt.NDArray[np.float32]
    """float32 [4]."""
    score: float
    category_id: int
    mask: str | None
    keypoints: npt.NDArray[np.float32] | None
    """float32 [K, 3]."""


@dataclass(frozen=True)
class Detections:
    """What was found in one picture, the best score first."""

    boxes: npt.NDArray[np.float32]
    """float32 [n, 4], x1 y1 x2 y2 in pixels of the picture (EXIF orientation applied)."""
    scores: npt.NDArray[np.float32]
    """float32 [n], 0 to 1."""
    category_ids: npt.NDArray[np.int32]
    """int32 [n], the data set's own ids."""
    masks: tuple[str, ...] | None
    """n COCO compressed RLE strings at the picture's size; None from a model without masks."""
    keypoints: npt.NDArray[np.float32] | None = None
    """float32 [n, K, 3], x y in pixels of the picture, score; None from a model without points."""

    def __iter__(self) -> Iterator[Detection]:
        none = (None,) * len(self.boxes)
        masks = none if self.masks is None else self.masks
        keypoints = none if self.keypoints is None else self.keypoints
        for box, score, category_id, mask, points in zip(
            self.boxes, self.scores, self.category_ids, masks, keypoints, strict=True
        ):
            yield Detection(box, float(score), int(category_id), mask, points)
