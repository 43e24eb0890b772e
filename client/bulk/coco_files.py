"""COCO's result files, made of the Parquet files of a run."""

from __future__ import annotations

import pyarrow.parquet as pq
import ray
from ray.exceptions import RayError

from client.bulk.ray_session import cause_of
from client.bulk.result_rows import coco_results_of
from client.bulk.storage import Place
from client.errors import ClientError

RESULTS, IMAGES = "results", "images"

_ROWS_AT_ONCE = 64


def write_coco(detections: Place, coco: Place, pictures: Place) -> None:
    """Write for each Parquet file a `results/….json` and an `images/….json`.

    Those that are there are left: a Parquet file does not change.

    Args:
        detections: the folder of the Parquet files.
        coco: the folder to write to.
        pictures: where the pictures are: their `file_name` is their path in it.

    Raises:
        ClientError: one cannot be written.
    """
    write = ray.remote(_write)
    there = {file.path for file in coco.files(".json")}
    files = {_name(file): file for file in detections.files(".parquet")}
    missing = [name for name in files if (coco / IMAGES / name).path not in there]
    try:
        ray.get([write.remote(files[name], coco, name, f"{pictures}/") for name in missing])
    except RayError as error:
        raise ClientError(f"cannot write {coco}: {cause_of(error)}") from error


def _name(file: Place) -> str:
    return file.path.rsplit("/", 1)[1].removesuffix(".parquet") + ".json"


def _write(file: Place, coco: Place, name: str, folder: str) -> None:
    results, images = [], []
    with file.fs.open(file.path, "rb") as stream, pq.ParquetFile(stream) as parquet:
        for batch in parquet.iter_batches(batch_size=_ROWS_AT_ONCE):
            for row in batch.to_pylist():
                if row["error"] is None:
                    results += coco_results_of(row)
                images.append(
                    {
                        "id": row["image_id"],
                        "file_name": row["path"].removeprefix(folder),
                        "width": row["width"],
                        "height": row["height"],
                    }
                )
    (coco / RESULTS / name).write_json(results, indent=None)
    (coco / IMAGES / name).write_json(images, indent=None)  # the last: then all is there
