"""Pictures per second through the whole served ensemble, as the evaluation client gets them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from client.connection.settings import Connection
from client.evaluate import evaluate
from perf.errors import PerfError


def served_rate(url: str, model: str, images: Path, annotations: Path, concurrency: int) -> float:
    """Evaluates a data set once, from JPEG files to results in COCO's format.

    Args:
        url: the gRPC address of the server.
        model: the name of the ensemble.
        images: the folder of the pictures.
        annotations: their COCO-format JSON.
        concurrency: requests in flight at once.

    Raises:
        ClientError: the data set or the server cannot be used.
        PerfError: no picture was answered.
    """
    connection = Connection(url, model=model, concurrency=concurrency)
    with tempfile.TemporaryDirectory() as folder:
        summary = evaluate(images, annotations, connection, output=folder, progress=False)
    if summary.images_per_second is None:
        raise PerfError(
            f"none of the {summary.images} pictures in {images} was answered; the first: "
            f"{summary.failures[0].reason}"
        )
    return summary.images_per_second
