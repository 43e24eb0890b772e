"""Evaluation of a served model on COCO or LVIS, which can be broken off and resumed at any time."""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from client.coco.average_precision import average_precision
from client.coco.dataset import CocoImage, load_dataset
from client.coco.model_match import match
from client.coco.result_format import fault_of_results
from client.coco.results import ResultsFile, describe_run
from client.coco.shard import Shard
from client.coco.summary import Failure, Summary, time_and_versions
from client.coco.timing import Timing
from client.connection.concurrency import for_each
from client.connection.served_model import keypoint_oks_sigmas
from client.connection.settings import Connection
from client.detector import AsyncDetector
from client.errors import ClientError, PictureError, RequestFailed, ServerUnavailable
from client.json_file import write_json
from client.latency import Latency
from client.pictures.encoded import EncodedPicture
from client.report.evaluation import Evaluation, read_compared
from client.report.write import write_report
from client.result_files import COCO_RESULTS, REPORT, RESULTS, SUMMARY

FAILURES_IN_A_ROW = 50
"""So many say that something else than the pictures is wrong, and asking on is of no use."""


def evaluate(
    images: str | Path,
    annotations: str | Path,
    connection: Connection,
    *,
    output: str | Path = "evaluation",
    resume: bool = False,
    shard: Shard | None = None,
    compare: str | Path | None = None,
    progress: bool = True,
) -> Summary:
    """Send every picture of a COCO or LVIS data set to the served model and compute its AP.

    A picture that is refused does not stop the others: see `Summary.failures`.

    Args:
        images: the folder of pictures, such as `val2017`; for LVIS the one that holds it.
        annotations: such as `instances_val2017.json` or `lvis_v1_val.json`.
        connection: the served model, and the servers that share the pictures.
        output: folder for results.jsonl (written as answers come), coco_instances_results.json,
            summary.json and report.html.
        resume: continue the run that is in `output`, if there is one.
        shard: evaluate this share of the pictures alone, for `client.merge.merge`; None for all.
        compare: the `output` of another evaluation of the same pictures: report.html then tells
            what differs; None for none.
        progress: show on stderr how far it is.

    Raises:
        ClientError: the data set, a server, `output` or `compare` cannot be used; all servers were
            away for longer than `connection.retry_for`; or nothing but failures came from them.
            What was finished by then is kept.
    """
    images, annotations, output = Path(images), Path(annotations), Path(output)
    dataset = load_dataset(images, annotations)
    share = shard.of(dataset.images) if shard else dataset.images
    if not share:
        raise ClientError(f"shard {shard} is empty: there are {len(dataset.images)} pictures")
    compared = None if compare is None else read_compared(Path(compare), dataset, share)

    async def ask_for_all() -> tuple[_Run, tuple[str, ...]]:
        async with AsyncDetector(**vars(connection)) as detector:
            model = detector.model
            notes = match(
                dataset,
                model.categories,
                has_masks=model.has_masks,
                keypoint_oks_sigmas=keypoint_oks_sigmas(model.identity),
            )
            for note in notes if progress else ():
                print(f"note: {note}", file=sys.stderr)
            description = describe_run(dataset.pictures, model.identity, shard)
            with ResultsFile(output / RESULTS, description, resume=resume) as results:
                results.check(share)
                run = _Run(detector, share, results, progress)
                await run.send(connection.concurrency)
        return run, notes

    run, notes = asyncio.run(ask_for_all())
    found = run.results.of(share)
    write_json(output / COCO_RESULTS, found, indent=None)
    if progress:
        print(f"computing average precision over {len(found)} detections", file=sys.stderr)
    model, endpoints = run.model, run.endpoints
    finished_now = len(run.latencies_ms)
    summary = Summary(
        metrics=average_precision(
            dataset,
            share,
            found,
            masks=model.has_masks,
            keypoint_oks_sigmas=keypoint_oks_sigmas(model.identity),
        ),
        shard=shard,
        images=len(share),
        resumed=run.resumed,
        detections=len(found),
        failures=tuple(run.failures),
        notes=notes,
        seconds=run.seconds,
        images_per_second=finished_now / run.seconds if finished_now else None,
        latency_ms=Latency.of(run.latencies_ms) if finished_now else None,
        concurrency=connection.concurrency,
        endpoints=endpoints.counts(),
        retries=endpoints.retries,
        setting={
            "image_folder": str(images.resolve()),
            "annotation_file": str(annotations.resolve()),
            "protocol": connection.protocol,
            "request_ids": f"{run.id}-<image id>",
            "model": model.identity,
            **time_and_versions(tritonserver=model.server_version),
        },
    )
    write_json(output / SUMMARY, summary.to_json())
    evaluation = Evaluation(
        folder=output,
        dataset=dataset,
        images=share,
        results=found,
        finished=len(run.results),
        timings=run.results.timings(share),
        metrics=summary.metrics,
        notes=notes,
        model=model.identity,
        summary=summary.to_json(),
    )
    write_report(output / REPORT, evaluation, compared)
    return summary


class _Run:
    """The requests of one run; what they found goes to the results file."""

    def __init__(
        self,
        detector: AsyncDetector,
        images: Sequence[CocoImage],
        results: ResultsFile,
        progress: bool,
    ) -> None:
        self.id = secrets.token_hex(4)
        self.model = detector.model
        self.endpoints = detector.endpoints
        self.results = results
        self.resumed = len(results)
        self.failures: list[Failure] = []
        self.latencies_ms: list[float] = []
        self.seconds = 0.0
        self._detector = detector
        self._total = len(images)
        # Landscapes first: pictures on equal canvases make batches, where orientations that
        # alternate would cut each other's short.
        self._pending = sorted(
            (image for image in images if image not in results),
            key=lambda image: image.height > image.width,
        )
        self._failures_in_a_row = 0
        self._bar = tqdm(
            total=self._total,
            initial=self.resumed,
            desc="evaluate",
            unit="image",
            disable=not progress,
            mininterval=0.1 if sys.stderr.isatty() else 10.0,
        )

    async def send(self, concurrency: int) -> None:
        started = time.perf_counter()
        with self._bar, logging_redirect_tqdm():
            try:
                await for_each(self._pending, self._ask, concurrency=concurrency)
            except ServerUnavailable as error:
                raise ClientError(f"{error}\n{self._how_to_resume()}") from error
        self.seconds = time.perf_counter() - started

    async def _ask(self, image: CocoImage) -> None:
        try:
            picture = EncodedPicture.read(image.path)
            _check_size(image, picture)
            started = time.perf_counter()
            found = await self._detector.detect(picture, request_id=f"{self.id}-{image.id}")
            latency_ms = 1000 * (time.perf_counter() - started)
            results = found.to_coco(image.id)
            if fault := fault_of_results(image, results):
                raise RequestFailed(f"the server's answer is damaged: {fault}")
        except (PictureError, RequestFailed) as error:
            self._fail(image, str(error))
        else:
            timing = Timing(time.time(), latency_ms)
            self.results.append(image, len(picture.content), results, timing)
            self.latencies_ms.append(latency_ms)
            self._failures_in_a_row = 0
        self._bar.update()

    def _fail(self, image: CocoImage, reason: str) -> None:
        self.failures.append(Failure(image.id, image.file_name, reason))
        self._bar.set_postfix(failed=len(self.failures), refresh=False)
        self._failures_in_a_row += 1
        if self._failures_in_a_row == FAILURES_IN_A_ROW:
            raise ClientError(
                f"{FAILURES_IN_A_ROW} pictures in a row failed, the last was {image.file_name}: "
                f"{reason}\n{self._how_to_resume()}"
            )

    def _how_to_resume(self) -> str:
        return (
            f"{len(self.results)} of {self._total} pictures are finished and kept in "
            f"{self.results.path}: when that is mended, continue with --resume."
        )


def _check_size(image: CocoImage, picture: EncodedPicture) -> None:
    # Masks come at the picture's own size; at another size their run lengths mean nothing.
    if (picture.height, picture.width) != (image.height, image.width):
        raise PictureError(
            f"the picture is {picture.width}x{picture.height}, its annotations are for "
            f"{image.width}x{image.height}"
        )
