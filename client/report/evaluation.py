"""An evaluation as the report needs it, and how it is read from its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.coco.average_precision import average_precision
from client.coco.dataset import CocoDataset, CocoImage, load_annotations
from client.coco.metrics import Metrics
from client.coco.model_match import match
from client.coco.result_format import CocoResult
from client.coco.results import check_line
from client.coco.timing import Timing
from client.errors import ClientError
from client.finished_run import FinishedRun, read_run
from client.result_files import SUMMARY


@dataclass(frozen=True)
class Evaluation:
    """What was evaluated, and what was found."""

    folder: Path
    dataset: CocoDataset
    images: Sequence[CocoImage]
    """Those that count."""
    results: Sequence[CocoResult]
    """Of these pictures."""
    finished: int
    """Pictures with a result; the others count as pictures in which nothing was found."""
    timings: Sequence[Timing]
    """Of the answers that have one."""
    metrics: Mapping[str, Metrics]
    """By `bbox` and, where they were evaluated, `segm` and `keypoints`."""
    notes: Sequence[str]
    """What to know of the metrics."""
    model: Mapping[str, Any]
    """The identity of the model, the first, and of those that it passes requests through."""
    summary: Mapping[str, Any]
    """summary.json, of which nothing is sure: it may be of any content."""

    @property
    def name(self) -> str:
        """What the page calls it."""
        return self.folder.resolve().name or str(self.folder)

    @property
    def model_name(self) -> str:
        return next(iter(self.model))


def read_evaluation(
    folder: Path, *, images: Path | None = None, annotations: Path | None = None
) -> Evaluation:
    """Read the output of `client.evaluate.evaluate` or `client.merge.merge`, and compute its
    average precision again.

    Args:
        images: the folder of pictures; None for the one that summary.json names. They may be away.
        annotations: the annotation file; None for the one that summary.json names.

    Raises:
        ClientError: there is no evaluation, or it is damaged, still being written, or of other
            pictures than the annotations; those cannot be read or have faults.
    """
    run = read_run(folder)
    file = annotations or run.path_in_summary("annotation_file")
    if file is None:
        raise ClientError(
            f"{folder} has no {SUMMARY} that names the annotation file: give it with --annotations"
        )
    dataset = load_annotations(file, images or run.path_in_summary("image_folder") or Path())
    if dataset.pictures != run.run.get("pictures"):
        raise ClientError(
            f"{file} is of other pictures than {folder}: of other ids, file names or sizes, or in "
            "another order. Give the annotation file of that evaluation with --annotations."
        )
    return _evaluation(run, dataset)


def read_compared(folder: Path, dataset: CocoDataset, images: Sequence[CocoImage]) -> Evaluation:
    """Read another evaluation of the same pictures, and compute its average precision on the same
    annotations.

    Raises:
        ClientError: as of `read_evaluation`; it is of other pictures.
    """
    run = read_run(folder)
    share = run.shard.of(dataset.images) if run.shard else dataset.images
    if run.run.get("pictures") != dataset.pictures or share != tuple(images):
        raise ClientError(
            f"--compare: {folder} is an evaluation of other pictures: it cannot be compared with "
            f"one of the {len(images):,} pictures of {dataset.ground_truth.file}"
        )
    return _evaluation(run, dataset)


def _evaluation(run: FinishedRun, dataset: CocoDataset) -> Evaluation:
    notes = match(
        dataset,
        run.categories,
        has_masks=run.has_masks,
        keypoint_oks_sigmas=run.keypoint_oks_sigmas,
    )
    share = run.shard.of(dataset.images) if run.shard else dataset.images
    finished = [image for image in share if image.id in run.lines]
    for image in finished:
        check_line(run.results, image, run.lines[image.id])
    lines = [run.lines[image.id] for image in finished]
    results = [result for line in lines for result in line["results"]]
    return Evaluation(
        folder=run.folder,
        dataset=dataset,
        images=share,
        results=results,
        finished=len(finished),
        timings=[timing for line in lines if (timing := Timing.of_line(line))],
        metrics=average_precision(
            dataset,
            share,
            results,
            masks=run.has_masks,
            keypoint_oks_sigmas=run.keypoint_oks_sigmas,
        ),
        notes=notes,
        model=run.run["model"],
        summary=run.summary,
    )
