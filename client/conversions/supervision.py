"""supervision's `Detections`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from client.errors import ClientError


def supervision_detections(
    boxes: npt.NDArray[np.float32],
    scores: npt.NDArray[np.float32],
    class_ids: npt.NDArray[np.int32],
    class_names: tuple[str, ...],
    masks: npt.NDArray[np.bool_] | None,
) -> Any:
    """A `supervision.Detections`, with the names as its `class_name`.

    Args:
        boxes: float32 [n, 4], x1 y1 x2 y2 in pixels.
        scores: float32 [n].
        class_ids: int32 [n].
        class_names: n of them.
        masks: bool [n, h, w]; None for boxes alone.

    Raises:
        ClientError: supervision is not installed.
    """
    try:
        import supervision
    except ImportError as error:
        raise ClientError("supervision is not installed: pip install supervision") from error
    return supervision.Detections(
        xyxy=boxes,
        mask=masks,
        confidence=scores,
        class_id=class_ids,
        data={"class_name": np.array(class_names, dtype=np.str_)},
    )
