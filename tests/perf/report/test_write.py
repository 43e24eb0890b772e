from __future__ import annotations

import csv
import html
import re
from pathlib import Path

import pytest

from client.charts import format
from perf.errors import PerfError
from perf.report.write import write_report


@pytest.fixture
def report(results: Path) -> tuple[str, list[dict[str, str]]]:
    """The page's text and the CSV's rows, of two real results."""
    path, table = write_report([results], results / "report.html")
    with table.open(newline="") as file:
        return html.unescape(path.read_text()), list(csv.DictReader(file))


def test_the_page_contains_the_numbers_of_the_csv(report: tuple[str, list[dict[str, str]]]) -> None:
    text, rows = report
    assert [(row["run"], row["load"]) for row in rows] == [
        ("short", "1"),
        ("short", "4"),
        ("short_pipeline_capacity", "1"),
        ("short_pipeline_capacity", "4"),
    ]
    cells = set(re.findall(r"<td>~?([^<]+)</td>", text))
    for row in rows:
        assert format.rate(float(row["throughput"])) in cells
        for name in ("p50_ms", "p95_ms", "p99_ms"):
            assert format.milliseconds(float(row[name])) in cells
        for model in ("preprocess", "network", "postprocess"):
            assert format.percent(float(row[f"{model}_busy"])) in cells
            parts = [float(row[f"{model}_{part}_ms"]) for part in ("queue", "input", "infer")]
            total = sum(parts) + float(row[f"{model}_output_ms"])
            assert f"{format.milliseconds(total)} ms" in text


def test_the_page_needs_nothing_from_elsewhere(report: tuple[str, list[dict[str, str]]]) -> None:
    text, _ = report
    assert not re.search(r"<script|<link|<img|src=|href=|url\(|@import|https?://", text)


def test_published_figures_are_marked_as_other_machines(
    report: tuple[str, list[dict[str, str]]],
) -> None:
    text, _ = report
    for figure in ("12.15 img/s", "0.5512", "0.5189", "44 ms", "33 ms", "0.110 s"):
        assert figure in text
    assert "other machines and other settings" in text


def test_without_a_result_no_page_is_written(tmp_path: Path) -> None:
    with pytest.raises(PerfError, match="holds no result"):
        write_report([tmp_path], tmp_path / "report.html")
    assert not list(tmp_path.iterdir())
