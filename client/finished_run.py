"""The folder of an evaluation, read again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifact.json_text import parse_json
from client.coco.results import read_results
from client.coco.shard import Shard
from client.connection.served_model import categories, has_masks, keypoint_oks_sigmas
from client.errors import ClientError
from client.result_files import RESULTS, SUMMARY


@dataclass(frozen=True)
class FinishedRun:
    """What an evaluation's folder says, for those who go on with it."""

    folder: Path
    run: dict[str, Any]
    """What was evaluated, without the shard: as that of all shards together."""
    shard: Shard | None
    """The part of the data set that was evaluated; None for all of it."""
    lines: dict[int, dict[str, Any]]
    """Of results.jsonl, by the picture's id."""
    categories: dict[int, str]
    """Of the model, by their ids."""
    has_masks: bool
    """Of the model."""
    keypoint_oks_sigmas: tuple[float, ...] | None
    """Of the model."""
    summary: dict[str, Any]
    """summary.json; empty where there is none, or a damaged one."""

    @property
    def results(self) -> Path:
        """The file."""
        return self.folder / RESULTS

    def path_in_summary(self, key: str) -> Path | None:
        """The `annotation_file` or `image_folder` of summary.json, where it has one."""
        value = self.summary.get(key)
        return Path(value) if isinstance(value, str) else None


def read_run(folder: Path) -> FinishedRun:
    """Read the `output` of `client.evaluate.evaluate` or `client.merge.merge`.

    Raises:
        ClientError: there is none, it is damaged, or still being written.
    """
    run, lines = read_results(folder / RESULTS)
    try:
        shard = Shard.parse(run.pop("shard")) if "shard" in run else None
        model = run["model"]
        return FinishedRun(
            folder,
            run,
            shard,
            lines,
            categories(model),
            has_masks(model),
            keypoint_oks_sigmas(model),
            _summary(folder),
        )
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        raise ClientError(
            f"line 1 of {folder / RESULTS} is damaged: it does not say what was evaluated. "
            "Evaluate that anew."
        ) from error


def _summary(folder: Path) -> dict[str, Any]:
    try:
        content = parse_json((folder / SUMMARY).read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
