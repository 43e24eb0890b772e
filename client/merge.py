"""One evaluation out of the shards that several clients evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifact.json_text import parse_json
from client.coco.average_precision import average_precision
from client.coco.dataset import load_annotations
from client.coco.model_match import match
from client.coco.results import ResultsFile, check_line, read_results
from client.coco.shard import Shard
from client.coco.summary import Failure, Summary, time_and_versions
from client.connection.served_model import categories, has_masks, keypoint_oks_sigmas
from client.differences import differences
from client.errors import ClientError
from client.evaluate import COCO_RESULTS, RESULTS, SUMMARY
from client.json_file import write_json


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
        output: folder for the same three files for the whole data set.
        annotations: the annotation file; None for the one that the shards' summary.json names.

    Raises:
        ClientError: a shard is missing, there twice, damaged or still being evaluated; the shards
            are of different pictures or models, or of other pictures than the annotations; those
            have faults; `output` holds a run or cannot be written.
    """
    parts = [_read(Path(folder)) for folder in folders]
    _check_same_run(parts)
    _check_all_there(parts)
    run = parts[0].run
    file = _annotation_file(parts) if annotations is None else Path(annotations)
    dataset = load_annotations(file, images=Path())
    if dataset.pictures != run.get("pictures"):
        raise ClientError(
            f"--annotations: {file} is of other pictures than the shards: of other ids, file names "
            f"or sizes, or in another order. It has {dataset.pictures}, they {run.get('pictures')}."
        )
    masks, sigmas = parts[0].has_masks, parts[0].keypoint_oks_sigmas
    notes = match(dataset, parts[0].categories, has_masks=masks, keypoint_oks_sigmas=sigmas)

    lines: dict[int, dict[str, Any]] = {}
    failures: list[Failure] = []
    for part in parts:
        share = part.shard.of(dataset.images)
        if part.lines.keys() - {image.id for image in share}:
            raise ClientError(f"{part} has results for pictures of other shards")
        for image in share:
            if image.id in part.lines:
                check_line(part.folder / RESULTS, image, part.lines[image.id])
        lines.update(part.lines)
        failures += [
            Failure(image.id, image.file_name, f"no result in {part}: continue it with --resume")
            for image in share
            if image.id not in part.lines
        ]

    output = Path(output)
    with ResultsFile(output / RESULTS, run, resume=False) as results:
        for image in dataset.images:
            if line := lines.get(image.id):
                results.append(image, line["file_size"], line["results"])
        found = results.of(dataset.images)
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
            "merged": [str(part.folder.resolve()) for part in parts],
            "annotation_file": str(file.resolve()),
            "model": run["model"],
            **time_and_versions(),
        },
    )
    write_json(output / SUMMARY, summary.to_json())
    return summary


@dataclass(frozen=True)
class _Part:
    """The folder of a shard."""

    folder: Path
    shard: Shard
    run: dict[str, Any]
    """As that of all shards together."""
    lines: dict[int, dict[str, Any]]
    """By the picture's id."""
    categories: dict[int, str]
    """Of the model, by their ids."""
    has_masks: bool
    """Of the model."""
    keypoint_oks_sigmas: tuple[float, ...] | None
    """Of the model."""

    def __str__(self) -> str:
        return f"shard {self.shard} ({self.folder})"


def _read(folder: Path) -> _Part:
    run, lines = read_results(folder / RESULTS)
    if "shard" not in run:
        raise ClientError(f"{folder} holds an evaluation of the whole data set, not of a shard")
    try:
        shard, model = Shard.parse(run.pop("shard")), run["model"]
        return _Part(
            folder,
            shard,
            run,
            lines,
            categories(model),
            has_masks(model),
            keypoint_oks_sigmas(model),
        )
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        raise ClientError(
            f"line 1 of {folder / RESULTS} is damaged: it does not say what was evaluated. "
            "Evaluate that shard anew."
        ) from error


def _check_same_run(parts: Sequence[_Part]) -> None:
    first = parts[0]
    for part in parts[1:]:
        found = differences(first.run, part.run)
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
        try:
            return Path(parse_json((part.folder / SUMMARY).read_bytes())["annotation_file"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    raise ClientError(
        f"no shard has a {SUMMARY} that names the annotation file: give it with --annotations"
    )
