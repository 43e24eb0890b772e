"""One evaluation out of the shards that several clients evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.coco.average_precision import average_precision
from client.coco.dataset import load_annotations
from client.coco.model_match import match
from client.coco.results import ResultsFile, check_line
from client.coco.shard import Shard
from client.coco.summary import Failure, Summary, time_and_versions
from client.coco.timing import Timing
from client.differences import differences
from client.errors import ClientError
from client.finished_run import FinishedRun, read_run
from client.json_file import write_json
from client.report.evaluation import Evaluation
from client.report.write import write_report
from client.result_files import COCO_RESULTS, REPORT, RESULTS, SUMMARY


def merge(
    folders: Sequence[str | Path],
    *,
    output: str | Path = "evaluation",
    annotations: str | Path | None = None,
) -> Summary:
    """Join the shards of a data set into the evaluation that one client would have made of it.

    Pictures that a shard has no result for are in `Summary.failures`.

    Args:
        folders: the `output` of each `client.evaluate.evaluate` with a `shard`, in any order.
        output: folder for the same files for the whole data set.
        annotations: the annotation file; None for the one that the shards' summary.json names.

    Raises:
        ClientError: a shard is missing, there twice, damaged or still being evaluated; the shards
            are of different pictures or models, or of other pictures than the annotations; those
            have faults; `output` holds a run or cannot be written.
    """
    parts = [_read(Path(folder)) for folder in folders]
    _check_same_run(parts)
    _check_all_there(parts)
    first = parts[0].found
    run = first.run
    file = _annotation_file(parts) if annotations is None else Path(annotations)
    images = next(filter(None, (p.found.path_in_summary("image_folder") for p in parts)), None)
    dataset = load_annotations(file, images or Path())
    if dataset.pictures != run.get("pictures"):
        raise ClientError(
            f"--annotations: {file} is of other pictures than the shards: of other ids, file names "
            f"or sizes, or in another order. It has {dataset.pictures}, they {run.get('pictures')}."
        )
    masks, sigmas = first.has_masks, first.keypoint_oks_sigmas
    notes = match(dataset, first.categories, has_masks=masks, keypoint_oks_sigmas=sigmas)

    lines: dict[int, dict[str, Any]] = {}
    failures: list[Failure] = []
    for part in parts:
        share = part.shard.of(dataset.images)
        if part.found.lines.keys() - {image.id for image in share}:
            raise ClientError(f"{part} has results for pictures of other shards")
        for image in share:
            if image.id in part.found.lines:
                check_line(part.found.results, image, part.found.lines[image.id])
        lines.update(part.found.lines)
        failures += [
            Failure(image.id, image.file_name, f"no result in {part}: continue it with --resume")
            for image in share
            if image.id not in part.found.lines
        ]

    output = Path(output)
    with ResultsFile(output / RESULTS, run, resume=False) as results:
        for image in dataset.images:
            if line := lines.get(image.id):
                timing = Timing.of_line(line)
                results.append(image, line["file_size"], line["results"], timing)
        found, timings = results.of(dataset.images), results.timings(dataset.images)
    write_json(output / COCO_RESULTS, found, indent=None)
    summary = Summary(
        metrics=average_precision(
            dataset, dataset.images, found, masks=masks, keypoint_oks_sigmas=sigmas
        ),
        notes=notes,
        images=len(dataset.images),
        detections=len(found),
        failures=tuple(failures),
        setting={
            "merged": [str(part.found.folder.resolve()) for part in parts],
            **({} if images is None else {"image_folder": str(images)}),
            "annotation_file": str(file.resolve()),
            "model": run["model"],
            **time_and_versions(),
        },
    )
    write_json(output / SUMMARY, summary.to_json())
    evaluation = Evaluation(
        folder=output,
        dataset=dataset,
        images=dataset.images,
        results=found,
        finished=len(lines),
        timings=timings,
        metrics=summary.metrics,
        notes=notes,
        model=run["model"],
        summary=summary.to_json(),
    )
    write_report(output / REPORT, evaluation)
    return summary


@dataclass(frozen=True)
class _Part:
    """The folder of a shard."""

    shard: Shard
    found: FinishedRun

    def __str__(self) -> str:
        return f"shard {self.shard} ({self.found.folder})"


def _read(folder: Path) -> _Part:
    found = read_run(folder)
    if found.shard is None:
        raise ClientError(f"{folder} holds an evaluation of the whole data set, not of a shard")
    return _Part(found.shard, found)


def _check_same_run(parts: Sequence[_Part]) -> None:
    first = parts[0]
    for part in parts[1:]:
        found = differences(first.found.run, part.found.run)
        if found:
            path, one, other = found[0]
            raise ClientError(
                f"{first} and {part} are of different runs: {path} is {one} and {other}"
            )


def _check_all_there(parts: Sequence[_Part]) -> None:
    by_shard: dict[Shard, _Part] = {}
    for part in parts:
        if part.shard in by_shard:
            raise ClientError(f"{by_shard[part.shard]} and {part} are the same shard")
        by_shard[part.shard] = part
        if part.shard.count != parts[0].shard.count:
            raise ClientError(f"{parts[0]} and {part} do not belong together")
    count = parts[0].shard.count
    missing = [shard for n in range(1, count + 1) if (shard := Shard(n, count)) not in by_shard]
    if missing:
        raise ClientError(f"missing: shard {', '.join(str(shard) for shard in missing)}")


def _annotation_file(parts: Sequence[_Part]) -> Path:
    for part in parts:
        if file := part.found.path_in_summary("annotation_file"):
            return file
    raise ClientError(
        f"no shard has a {SUMMARY} that names the annotation file: give it with --annotations"
    )
