"""Making a report of result folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from perf.errors import PerfError
from perf.report.csv_file import csv_text
from perf.report.figures import labelled
from perf.report.page import page
from perf.result import read_runs


def write_report(folders: Sequence[Path], path: Path) -> tuple[Path, Path]:
    """Writes the page, and the CSV beside it.

    Args:
        folders: result folders, and folders that hold some.
        path: the page; the CSV has the suffix .csv.

    Returns:
        the page and the CSV.

    Raises:
        PerfError: there is no result, or a file cannot be read or written.
    """
    runs = labelled(read_runs(folders))
    table = path.with_suffix(".csv")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(runs), encoding="utf-8")
        table.write_text(csv_text(runs), encoding="utf-8")
    except OSError as error:
        raise PerfError(f"{error.filename}: cannot be written: {error.strerror}") from None
    return path, table
