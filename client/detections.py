"""What was found in a picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Detection:
    """One of `Detections`."""

    box: npt.NDArray[np.float32]
    """float32 [4]."""
    score: float
    category_id: int
    mask: str | None


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

    def __iter__(self) -> Iterator[Detection]:
        masks = (None,) * len(self.boxes) if self.masks is None else self.masks
        for box, score, category_id, mask in zip(
            self.boxes, self.scores, self.category_ids, masks, strict=True
        ):
            yield Detection(box, float(score), int(category_id), mask)
