"""What a Ray actor does: pictures of the list in, rows of results out."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Any

import pyarrow as pa
import ray
from PIL import Image

from client.bulk import result_rows
from client.bulk.content import StorageFault, read_file, read_rows
from client.connection.endpoints import describe_differences
from client.connection.served_model import ServedModel
from client.connection.settings import Connection
from client.detector import Detector
from client.errors import ClientError, PictureError, RequestFailed
from client.evaluate import FAILURES_IN_A_ROW
from client.pictures.encoded import EncodedPicture


@dataclass(frozen=True)
class Work:
    """What all workers of a run have in common."""

    connection: Connection
    """With the requests that each of them has in flight."""
    model: ServedModel
    """That the run is about."""
    column: str | None
    """Has the pictures that are in Parquet files."""
    score_threshold: float | None
    run_id: str
    """The first part of its requests' ids, as the log of the server has them."""


class Worker:
    """One of the actors, which may be called by several threads at once.

    It connects when the first pictures come: what is raised then ends the run with its reason,
    while an actor that cannot be made is only tried again.

    Args:
        work: what it shares with the others.
        progress: the handle of a `progress.Progress`.
    """

    def __init__(self, work: Work, progress: Any) -> None:
        self._work = work
        self._progress = progress
        self._detector: Detector | None = None
        self._opening = Lock()
        self._threads = ThreadPoolExecutor(work.connection.concurrency)
        self._failures_in_a_row = 0

    def __call__(self, pictures: pa.Table) -> pa.Table:
        """The results for some pictures.

        Args:
            pictures: rows of `picture_list.SCHEMA`.

        Returns:
            As many rows of `result_rows.SCHEMA`. A picture that cannot be read, or that the server
            refuses, has a row with its `error`.

        Raises:
            ClientError: all servers stayed away, have another model, or fail with every picture.
        """
        try:
            rows = self._rows(pictures.to_pylist())
        except ClientError as error:
            ray.get(self._progress.give_up.remote(str(error)))
            raise
        self._progress.add.remote(len(rows), sum(row["error"] is not None for row in rows))
        return pa.Table.from_pylist(rows, schema=result_rows.SCHEMA)

    def _rows(self, asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
        in_parquet = [picture for picture in asked if picture["parquet"] is not None]
        contents = {} if not in_parquet else dict(read_rows(in_parquet, self._work.column or ""))
        detector = self._opened()
        rows = []
        for picture, (found, fault) in zip(
            asked,
            self._threads.map(lambda picture: self._ask(detector, picture, contents), asked),
            strict=True,
        ):
            self._count(detector, picture, fault)
            rows.append(
                {
                    "image_id": picture["image_id"],
                    "path": picture["path"],
                    **found,
                    "error": None if fault is None else str(fault),
                    "request_id": self._request_id(picture),
                }
            )
        return rows

    def _opened(self) -> Detector:
        with self._opening:
            if self._detector is None:
                detector = Detector(**vars(self._work.connection))
                if detector.model.identity != self._work.model.identity:
                    raise ClientError(
                        "the servers have another model than at the start of the run: "
                        + describe_differences(self._work.model, detector.model)
                    )
                self._detector = detector
            return self._detector

    def _ask(
        self,
        detector: Detector,
        picture: Mapping[str, Any],
        contents: Mapping[int, bytes | ClientError],
    ) -> tuple[dict[str, Any], ClientError | None]:
        try:
            content = contents.get(picture["image_id"]) or read_file(picture["path"])
            if isinstance(content, ClientError):
                raise content
            result = detector.detect(
                EncodedPicture.of(content),
                self._work.score_threshold,
                request_id=self._request_id(picture),
            )
        except (PictureError, StorageFault, RequestFailed) as error:
            return {}, error
        return result_rows.row_of(result), None

    def _request_id(self, picture: Mapping[str, Any]) -> str:
        return f"{self._work.run_id}-{picture['image_id']}"

    def _count(
        self, detector: Detector, picture: Mapping[str, Any], fault: ClientError | None
    ) -> None:
        """Ends the run where it is not the pictures that are at fault."""
        if fault is None:
            self._failures_in_a_row = 0
        if fault is None or isinstance(fault, PictureError):
            return
        self._failures_in_a_row += 1
        if self._failures_in_a_row < FAILURES_IN_A_ROW:
            return
        if isinstance(fault, RequestFailed):
            try:
                detector.detect(EncodedPicture.of(Image.new("RGB", (64, 64))))
            except RequestFailed:
                pass
            else:
                self._failures_in_a_row = 0
                return
        raise ClientError(
            f"{self._failures_in_a_row} pictures in a row failed, the last was {picture['path']}: "
            f"{fault}"
        )
