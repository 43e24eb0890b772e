"""Pictures with a few objects and detections."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from client.analysis.matching import PictureMatch, match_pictures
from client.coco.dataset import load_annotations

Box = tuple[float, float, float, float]
NAMES = {1: "cat", 2: "dog", 3: "cow"}


def annotation(category_id: int, box: Box, **further: Any) -> dict[str, Any]:
    area = box[2] * box[3]
    return {"category_id": category_id, "bbox": list(box), "area": area, "iscrowd": 0, **further}


def detection(category_id: int, box: Box, score: float, **further: Any) -> dict[str, Any]:
    return {"category_id": category_id, "bbox": list(box), "score": score, **further}


def matched(
    folder: Path,
    pictures: Sequence[tuple[Sequence[dict[str, Any]], Sequence[dict[str, Any]]]],
    said: Mapping[str, Any] | None = None,
) -> list[PictureMatch]:
    """Pictures of 400 x 300 pixels.

    Args:
        folder: for the annotation file.
        pictures: what is annotated and what was found in each.
        said: what LVIS says of every picture; None for COCO.
    """
    images: list[dict[str, Any]] = []
    for number in range(1, len(pictures) + 1):
        image = {"id": number, "file_name": f"{number}.jpg", "height": 300, "width": 400}
        images.append(image if said is None else {**image, "coco_url": f"a/{number}.jpg", **said})
    annotations = [
        {"image_id": number, **entry}
        for number, (entries, _) in enumerate(pictures, 1)
        for entry in entries
    ]
    results = [
        {"image_id": number, **entry}
        for number, (_, entries) in enumerate(pictures, 1)
        for entry in entries
    ]
    content = {
        "images": images,
        "categories": [{"id": key, "name": name, "frequency": "f"} for key, name in NAMES.items()],
        "annotations": [{"id": n, **entry} for n, entry in enumerate(annotations, 1)],
    }
    file = folder / "instances.json"
    file.write_text(json.dumps(content))
    dataset = load_annotations(file, folder)
    return match_pictures(dataset, dataset.images, results)
