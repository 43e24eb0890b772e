"""A run over any number of pictures, which can be broken off and resumed at any time.

`environment.prepare_environment` has to be called before this is imported.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray
from ray.data import ActorPoolStrategy, DataContext
from ray.data.checkpoint import CheckpointConfig
from ray.data.exceptions import SystemException
from ray.exceptions import RayError

from client.bulk.coco_files import write_coco
from client.bulk.outcome import Outcome
from client.bulk.output_folder import CHECKPOINT, COCO, DETECTIONS, LIST, RUN
from client.bulk.picture_list import rows_in, write_list
from client.bulk.progress import shown_progress
from client.bulk.ray_session import cause_of, ray_session
from client.bulk.storage import Place
from client.bulk.worker import Work, Worker
from client.connection.served_model import ServedModel
from client.connection.settings import Connection
from client.detector import Detector
from client.differences import differences
from client.errors import ClientError

FORMAT = 1
ROUNDS_PER_TASK = 4
"""Pictures that a worker is given at a time, for each request that it has in flight."""


@dataclass(frozen=True)
class Pictures:
    """Which pictures, and what they are called."""

    url: str
    """A folder of pictures; with `column`, a Parquet file or a folder of such."""
    column: str | None = None
    """The column of the Parquet files that has the pictures or their paths."""
    name_column: str | None = None
    """The column that has their names."""
    annotations: Path | None = None
    """The COCO annotation file that has their image ids; None to count them."""


def bulk(
    pictures: Pictures,
    connection: Connection,
    *,
    output: str,
    coco: bool = False,
    resume: bool = False,
    score_threshold: float | None = None,
    workers: int = 2,
    pictures_per_file: int = 1000,
    address: str | None = None,
) -> Outcome:
    """Send all pictures to the served model, and write what it finds.

    Args:
        pictures: any number of them.
        connection: the served model, the servers that share the pictures, and the requests in
            flight over all workers.
        output: folder for pictures.parquet, run.json, checkpoint/ and detections/*.parquet, whose
            rows `result_rows.SCHEMA` describes; here or in object storage.
        coco: write coco/results/*.json and coco/images/*.json, too.
        resume: continue the run that is in `output`, if there is one.
        score_threshold: leave out lower scores; None is the model's own threshold.
        workers: how many actors of Ray read pictures and ask for them.
        pictures_per_file: at least so many are written at once, and counted as finished then.
        address: of a Ray cluster; None for Ray on this machine.

    Raises:
        ClientError: pictures, a server, Ray or `output` cannot be used; all servers were away for
            longer than `connection.retry_for`; or nothing but failures came from them. What was
            written by then is kept.
    """
    if workers > connection.concurrency:
        raise ClientError(
            f"--workers {workers} need a --concurrency of as many at least; it is "
            f"{connection.concurrency}"
        )
    source, folder = Place.of(pictures.url, "--input"), Place.of(output, "--output")
    with Detector(**vars(connection)) as detector:
        model = detector.model
    _begin(source, folder, pictures, model, score_threshold, resume=resume)
    each = replace(connection, concurrency=connection.concurrency // workers)
    work = Work(each, model, pictures.column, score_threshold, secrets.token_hex(4))
    with ray_session(address, workers=workers):
        _detect(folder, work, workers, pictures_per_file)
        outcome = Outcome.of(folder / LIST, folder / DETECTIONS)
        if coco:
            write_coco(folder / DETECTIONS, folder / COCO, source)
    return outcome


def _begin(
    source: Place,
    folder: Place,
    pictures: Pictures,
    model: ServedModel,
    score_threshold: float | None,
    *,
    resume: bool,
) -> None:
    """Writes the list and what the run is, or holds what is there against it."""
    run: dict[str, Any] = {
        "input": str(source),
        "column": pictures.column,
        "name_column": pictures.name_column,
        "annotations": None
        if pictures.annotations is None
        else str(pictures.annotations.resolve()),
        "score_threshold": score_threshold,
        "model": model.identity,
    }
    file, expected = folder / RUN, {"format": FORMAT, "run": run}
    if file.fs.exists(file.path):
        if not resume:
            raise ClientError(
                f"{folder} holds a run already: continue it with --resume, choose another "
                "--output, or delete that folder"
            )
        if there := differences(file.read_json(), expected):
            raise ClientError(
                f"cannot resume {folder}, it is another run: "
                + "; ".join(
                    f"{path.removeprefix('run.')} was {before}, now {now}"
                    for path, before, now in there
                )
                + ". Start anew with another --output."
            )
        return
    if (folder / DETECTIONS).files():
        raise ClientError(f"{folder / DETECTIONS} has files of no run: choose another --output")
    write_list(
        folder / LIST,
        source,
        column=pictures.column,
        name=pictures.name_column,
        annotations=pictures.annotations,
    )
    file.write_json(expected)  # the last: the list is whole then


def _detect(folder: Place, work: Work, workers: int, pictures_per_file: int) -> None:
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.checkpoint_config = CheckpointConfig(
        "image_id",
        (folder / CHECKPOINT).path,
        override_filesystem=folder.arrow,
        delete_checkpoint_on_success=False,
    )
    size = ROUNDS_PER_TASK * work.connection.concurrency
    pictures = ray.data.read_parquet((folder / LIST).path, filesystem=folder.arrow)
    tasks = pictures.repartition(target_num_rows_per_block=size)
    with shown_progress(rows_in([folder / LIST]), rows_in(_committed(folder))) as progress:
        detections = tasks.map_batches(
            Worker,
            fn_constructor_args=(work, progress),
            batch_size=size,
            batch_format="pyarrow",
            # Of two tasks at once, the second has pictures when only the last of the first are
            # under way: 312 of 320 possible pictures/s, where one at a time made 282.
            compute=ActorPoolStrategy(
                size=workers, max_concurrent_calls_per_actor=2, enable_true_multi_threading=True
            ),
            num_cpus=1,
        )
        try:
            detections.write_parquet(
                (folder / DETECTIONS).path,
                filesystem=folder.arrow,
                min_rows_per_file=pictures_per_file,
            )
        except (RayError, SystemException) as error:
            reason = ray.get(progress.reason.remote()) or f"Ray gave up: {cause_of(error)}"
            raise ClientError(
                f"{reason}\nWhat was written is kept in {folder}: when that is mended, continue "
                "with --resume."
            ) from error


def _committed(folder: Place) -> list[Place]:
    files = (folder / CHECKPOINT).files(".parquet")
    return [file for file in files if not file.path.endswith(".pending.parquet")]
