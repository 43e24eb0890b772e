"""A valid data set of every kind of annotation, to be damaged."""

from __future__ import annotations

from typing import Any

HEIGHT, WIDTH = 32, 48
KEYPOINTS = ([6, 7.5, 2, 20, 9, 1], [6, 7.5, 2, 20, 9, 2], [6, 7.5, 1, 0, 0, 0], [0] * 6)


def small_dataset() -> dict[str, Any]:
    """The content of an annotation file: polygons, both kinds of RLE, a crowd, a box of no height,
    an empty picture; two points of each object."""
    pixels = HEIGHT * WIDTH
    annotations = [
        {"bbox": [4, 5.5, 20, 10.25], "segmentation": [[4, 5.5, 24, 5.5, 24, 15.75]]},
        {"bbox": [0, 0, 10, 10],
         "segmentation": [[0, 0, 10, 0, 9, 9], [-1, 20, 60, 20, 9, 30, 1, 1]]},
        {"bbox": [10, 3, 2, 29], "iscrowd": 1,
         "segmentation": {"size": [HEIGHT, WIDTH], "counts": [323, 60, pixels - 383]}},
        {"bbox": [20.5, 4, 9, 0.0], "iscrowd": False,
         "segmentation": {"size": [HEIGHT, WIDTH], "counts": compressed(500, 100, pixels - 600)}},
    ]  # fmt: skip
    return {
        "info": {"year": 2017},
        "images": [
            {"id": 9, "file_name": "a.jpg", "height": HEIGHT, "width": WIDTH},
            {"id": 0, "file_name": "b/é.png", "height": HEIGHT, "width": WIDTH},
            {"id": -3, "file_name": "empty.jpg", "height": 1, "width": 1},
        ],
        "categories": [{"id": 0, "name": "circle"}, {"id": 7, "name": "circle"}],
        "annotations": [
            {
                "id": 5 + index,
                "image_id": (9, 0)[index % 2],
                "category_id": (0, 7)[index // 2],
                "area": 100 * index,
                "iscrowd": 0,
                "num_keypoints": (2, 2, 1, 0)[index],
                "keypoints": KEYPOINTS[index],
                **annotation,
            }
            for index, annotation in enumerate(annotations)
        ],
    }


def compressed(*runs: int) -> str:
    """COCO's compressed run lengths of three runs."""
    assert len(runs) == 3
    text = ""
    for run in runs:
        while True:
            digit, run = run & 31, run >> 5
            more = run != 0 or digit & 16
            text += chr(48 + digit + (32 if more else 0))
            if not more:
                break
    return text
