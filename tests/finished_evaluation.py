"""The folder of an evaluation, as `client evaluate` leaves it, without a server."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from client.coco.dataset import load_annotations
from client.coco.results import ResultsFile, describe_run
from client.coco.timing import Timing
from client.result_files import RESULTS, SUMMARY

STARTED = 1_790_000_000.0


def identity(
    categories: Sequence[dict[str, Any]],
    *,
    name: str = "mask_rcnn",
    outputs: Sequence[str] = ("boxes", "masks"),
    parameters: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Of a model, as `client.connection.served_model` describes one."""
    named = json.dumps([{"id": each["id"], "name": each["name"]} for each in categories])
    return {
        name: {"outputs": list(outputs), "parameters": {"categories": named} | (parameters or {})}
    }


def write_evaluation(
    folder: Path,
    images: Path,
    annotations: Path,
    results: Sequence[dict[str, Any]],
    model: dict[str, Any],
    *,
    without: Sequence[int] = (),
) -> Path:
    """Write what was found into `folder`, and return that.

    Args:
        results: in COCO's format.
        model: an `identity`.
        without: the ids of pictures that have no result.
    """
    dataset = load_annotations(annotations, images)
    by_image = defaultdict(list)
    for result in results:
        by_image[result["image_id"]].append(result)
    with ResultsFile(folder / RESULTS, describe_run(dataset.pictures, model), resume=False) as file:
        for number, image in enumerate(dataset.images):
            if image.id not in without:
                timing = Timing(STARTED + number / 10, 300 + number % 7)
                file.append(image, 1, by_image[image.id], timing)
    summary = {
        "annotation_file": str(annotations),
        "image_folder": str(images),
        "finished_at": "2026-11-26T02:23:00+00:00",
    }
    (folder / SUMMARY).write_text(json.dumps(summary))
    return folder
