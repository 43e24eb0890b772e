"""COCO evaluation of a served model, which can be broken off and resumed at any time."""

from __future__ import annotations

import asyncio
import platform
import sys
import time
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tqdm import tqdm

from client.coco import CocoDataset, CocoImage, check_categories, coco_results, load_dataset
from client.concurrency import for_each
from client.detector import Detector, connect
from client.errors import ClientError, PictureError, RequestFailed, ServerUnavailable
from client.json_file import write_json
from client.metrics import evaluate_results
from client.pictures import oriented_size, read_picture
from client.results import ResultsFile
from client.summary import Failure, Latency, Summary

RESULTS = "results.jsonl"
COCO_RESULTS = "coco_instances_results.json"
SUMMARY = "summary.json"

FAILURES_IN_A_ROW = 50
"""So many say that something else than the pictures is wrong, and asking on is of no use."""


def evaluate(
    images: str | Path,
    annotations: str | Path,
    *,
    protocol: str = "grpc",
    url: str | None = None,
    output: str | Path = "evaluation",
    resume: bool = False,
    concurrency: int = 16,
    timeout: float = 300.0,
    retry_for: float = 60.0,
    progress: bool = True,
) -> Summary:
    """Send every picture of a COCO data set to the served model and compute average precision.

    images, annotations: such as `val2017/` and `instances_val2017.json`.
    protocol: "grpc" or "http".
    url: "HOST:PORT"; None is Triton's default port on this machine.
    output: folder for results.jsonl (written as answers come), coco_instances_results.json and
        summary.json.
    resume: continue the run that is in `output`, if there is one.
    concurrency: requests in flight at once.
    timeout: seconds that one request may take.
    retry_for: seconds to wait for a server that goes away.
    progress: show on stderr how far it is.

    A picture that is refused does not stop the others: see `Summary.failures`.

    Raises:
        ClientError: the data set, the server or `output` cannot be used; the server went away for
            longer than `retry_for`; or nothing but failures came from it. What was finished by
            then is kept.
    """
    images, annotations, output = Path(images), Path(annotations), Path(output)
    dataset = load_dataset(images, annotations)

    async def ask_for_all() -> _Run:
        async with connect(
            protocol, url, timeout=timeout, retry_for=retry_for, concurrency=concurrency
        ) as detector:
            check_categories(dataset.categories, detector.categories)
            identity = {"annotations": dataset.sha256, "model": detector.identity}
            with ResultsFile(output / RESULTS, identity, resume=resume) as results:
                results.check_unchanged(dataset.images)
                run = _Run(detector, dataset, results, progress)
                await run.send(concurrency)
        return run

    run = asyncio.run(ask_for_all())
    found = run.results.of(dataset.images)
    write_json(output / COCO_RESULTS, found, indent=None)
    if progress:
        print(f"computing average precision over {len(found)} detections", file=sys.stderr)
    has_masks = run.detector.has_masks and dataset.has_segmentations
    finished_now = len(run.latencies_ms)
    summary = Summary(
        metrics={
            iou_type: evaluate_results(dataset.ground_truth, found, iou_type)
            for iou_type in (("bbox", "segm") if has_masks else ("bbox",))
        },
        images=len(dataset.images),
        resumed=run.resumed,
        detections=len(found),
        failures=tuple(run.failures),
        seconds=run.seconds,
        images_per_second=finished_now / run.seconds if finished_now else None,
        latency_ms=Latency.of(run.latencies_ms) if finished_now else None,
        concurrency=concurrency,
        setting=_setting(run.detector, images, annotations),
    )
    write_json(output / SUMMARY, summary.to_json())
    return summary


class _Run:
    """The requests of one run; what they found goes to the results file."""

    def __init__(
        self, detector: Detector, dataset: CocoDataset, results: ResultsFile, progress: bool
    ) -> None:
        self.detector = detector
        self.results = results
        self.resumed = len(results)
        self.failures: list[Failure] = []
        self.latencies_ms: list[float] = []
        self.seconds = 0.0
        self._total = len(dataset.images)
        self._pending = [image for image in dataset.images if image not in results]
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
        with self._bar:
            try:
                await for_each(self._pending, self._ask, concurrency=concurrency)
            except ServerUnavailable as error:
                raise ClientError(f"{error}\n{self._how_to_resume()}") from error
        self.seconds = time.perf_counter() - started

    async def _ask(self, image: CocoImage) -> None:
        try:
            content = read_picture(image.path)
            _check_size(image, content)
            started = time.perf_counter()
            detections = await self.detector.detect(content)
            latency = time.perf_counter() - started
        except (PictureError, RequestFailed) as error:
            self._fail(image, str(error))
        else:
            self.results.append(image, len(content), coco_results(image, detections))
            self.latencies_ms.append(latency * 1000)
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


def _check_size(image: CocoImage, content: bytes) -> None:
    # Masks come at the picture's own size; at another size their run lengths mean nothing.
    height, width = oriented_size(content)
    if (height, width) != (image.height, image.width):
        raise PictureError(
            f"the picture is {width}x{height}, its annotations are for {image.width}x{image.height}"
        )


def _setting(detector: Detector, images: Path, annotations: Path) -> dict[str, Any]:
    return {
        "image_folder": str(images.resolve()),
        "annotation_file": str(annotations.resolve()),
        "url": detector.transport.url,
        "protocol": detector.transport.protocol,
        "model": detector.identity,
        "finished_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": {
            "tritonserver": detector.server_version,
            "python": platform.python_version(),
            **{name: version(name) for name in ("tritonclient", "pycocotools", "numpy")},
        },
    }
