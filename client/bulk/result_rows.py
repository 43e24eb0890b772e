"""What is written of a picture: a row of a Parquet file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from client.coco.result_format import CocoResult, coco_results
from client.detections import Detections
from client.result import Result

_POINT = pa.list_(pa.float32())

SCHEMA = pa.schema(
    [
        pa.field("image_id", pa.int64()),
        pa.field("path", pa.string()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("boxes", pa.list_(_POINT)),
        pa.field("scores", pa.list_(pa.float32())),
        pa.field("class_ids", pa.list_(pa.int32())),
        pa.field("masks", pa.list_(pa.string())),
        pa.field("keypoints", pa.list_(pa.list_(_POINT))),
        pa.field("error", pa.string()),
        pa.field("request_id", pa.string()),
    ]
)
"""`Result`'s, one row a picture; null is what a picture with an `error` and a model without masks
or keypoints do not have."""


def row_of(result: Result) -> dict[str, Any]:
    """What of a row comes from a result."""
    return {
        "width": result.width,
        "height": result.height,
        "boxes": result.boxes.tolist(),
        "scores": result.scores.tolist(),
        "class_ids": result.class_ids.tolist(),
        "masks": result.rle,
        "keypoints": None if result.keypoints is None else result.keypoints.tolist(),
    }


def coco_results_of(row: Mapping[str, Any]) -> list[CocoResult]:
    """The entries of a COCO result file for a row without an error."""
    masks, keypoints = row["masks"], row["keypoints"]
    detections = Detections(
        boxes=np.array(row["boxes"], np.float32).reshape(-1, 4),
        scores=np.array(row["scores"], np.float32),
        category_ids=np.array(row["class_ids"], np.int32),
        masks=None if masks is None else tuple(masks),
        keypoints=None if keypoints is None else np.array(keypoints, np.float32),
    )
    return coco_results(row["image_id"], detections, width=row["width"], height=row["height"])
