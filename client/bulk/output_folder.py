"""What lies in the folder that a run writes to."""

from __future__ import annotations

RUN = "run.json"
"""What the run is; written when the list is whole, before anything is asked."""
LIST = "pictures.parquet"
"""All its pictures: `picture_list.SCHEMA`."""
DETECTIONS = "detections"
"""Parquet files with the results: `result_rows.SCHEMA`."""
CHECKPOINT = "checkpoint"
"""Ray Data's: the `image_id` of the rows in each file of those."""
COCO = "coco"
"""COCO's files, of the same names as those with the results."""
