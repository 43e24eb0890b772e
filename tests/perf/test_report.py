from __future__ import annotations

import csv
import dataclasses
import html
import json
import re
from pathlib import Path

import pytest

from perf.errors import PerfError
from perf.report import format
from perf.report.figures import labelled, model_times, outside_models
from perf.report.headline import explanation, headline
from perf.report.page import page
from perf.report.write import write_report
from perf.result import read_run, write_run


@pytest.fixture
def report(results) -> tuple[str, list[dict[str, str]]]:
    """The page's text and the CSV's rows, of two real results."""
    path, table = write_report([results], results / "report.html")
    with table.open(newline="") as file:
        return html.unescape(path.read_text()), list(csv.DictReader(file))


def test_the_page_contains_the_numbers_of_the_csv(report):
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


def test_the_page_needs_nothing_from_elsewhere(report):
    text, _ = report
    assert not re.search(r"<script|<link|<img|src=|href=|url\(|@import|https?://", text)


def test_published_figures_are_marked_as_other_machines(report):
    text, _ = report
    for figure in ("12.15 img/s", "0.5512", "0.5189", "44 ms", "33 ms", "0.110 s"):
        assert figure in text
    assert "other machines and other settings" in text


def test_the_headline_names_the_busiest_model_and_what_the_rest_would_carry(run, capacity_run):
    runs = labelled({Path("a"): run, Path("b"): capacity_run})
    best = max(level.throughput for level in run.levels)
    assert headline(runs).startswith(f"Network is the limit: {format.rate(best)} pictures per")
    most = max(level.throughput for level in capacity_run.levels)
    assert f"carries {format.rate(most)} pictures per second" in explanation(runs)


def test_no_model_is_called_the_limit_while_all_have_time_left(run):
    idle = {
        name: dataclasses.replace(
            each,
            batches={
                size: dataclasses.replace(batch, infer_ns=batch.infer_ns // 2)
                for size, batch in each.batches.items()
            },
        )
        for name, each in run.levels[0].statistics.items()
    }
    level = dataclasses.replace(run.levels[0], statistics=idle)
    runs = labelled({Path("a"): dataclasses.replace(run, levels=(level,))})
    assert "no model is the limit: the busiest, network, works" in headline(runs)


def test_a_models_time_is_split_as_the_server_split_it(run):
    level = run.levels[0]
    preprocess, network, postprocess = model_times(run, level)
    assert [each.model for each in (preprocess, network, postprocess)] == [
        "mask_rcnn_preprocess",
        "mask_rcnn_network",
        "mask_rcnn_postprocess",
    ]
    statistics = level.statistics["mask_rcnn_network"]
    assert network.infer == statistics.infer_ns / statistics.requests / 1e6
    assert network.total == pytest.approx(
        network.queue + network.input + network.infer + network.output
    )
    assert 0 <= outside_models(run, level) < level.latency_ms.mean


def test_busy_is_the_instances_share_of_time(run):
    level = run.levels[0]
    statistics = level.statistics["mask_rcnn_preprocess"]
    seconds = sum(batch.compute_ns for batch in statistics.batches.values()) / 1e9
    expected = level.throughput * seconds / statistics.pictures / 2  # two instances
    assert model_times(run, level)[0].busy == pytest.approx(expected)


def test_batches_are_counted_by_execution(run):
    network = model_times(run, run.levels[1])[1]
    pictures = sum(size * count for size, count in network.batches.items())
    assert network.mean_batch == pytest.approx(pictures / sum(network.batches.values()))
    assert network.mean_batch > 1


def test_runs_of_one_scenario_are_told_apart(run):
    runs = labelled({Path("a"): run, Path("b"): run, Path("c"): run})
    assert [each.label for each in runs] == ["short", "short (2)", "short (3)"]


def test_loads_that_are_not_stable_and_runs_not_complete_say_so(run):
    unstable = dataclasses.replace(run.levels[0], stable=False)
    broken_off = dataclasses.replace(run, levels=(unstable,), complete=False)
    text = page(labelled({Path("a"): broken_off}))
    assert f"~{format.rate(unstable.throughput)}" in text
    assert "short (not complete)" in text


def test_repeated_loads_become_a_chart_over_time(run):
    later = dataclasses.replace(run.levels[0], started_at=run.levels[0].started_at + 600)
    repeated = dataclasses.replace(run, levels=(run.levels[0], later))
    assert "minutes since the start" in page(labelled({Path("a"): repeated}))


def test_runs_of_different_machines_are_not_compared_in_silence(run):
    other = dataclasses.replace(run, machine={**run.machine, "cpu": "Another"})
    assert "different machines" in page(labelled({Path("a"): run, Path("b"): other}))
    assert "different machines" not in page(labelled({Path("a"): run}))


def test_what_others_wrote_into_a_result_stays_text(run):
    hostile = "<script>alert('&')</script>"
    scenario = {**run.scenario, "title": hostile, "name": hostile, "images": hostile}
    machine = {**run.machine, "cpu": hostile}
    hostile_run = dataclasses.replace(run, scenario=scenario, machine=machine)
    text = page(labelled({Path("a"): hostile_run}))
    assert "<script" not in text
    assert html.escape(hostile) in text


def test_an_empty_folder_explains_itself(tmp_path):
    with pytest.raises(PerfError, match=r"holds no result.*python -m perf run"):
        write_report([tmp_path], tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(PerfError, match="nowhere: no such folder"):
        write_report([tmp_path / "nowhere"], tmp_path / "report.html")


@pytest.mark.parametrize(
    "change",
    [
        lambda value: "not JSON {",
        lambda value: "[]",
        lambda value: "{}",
        lambda value: json.dumps({**value, "levels": 3}),
        lambda value: json.dumps({**value, "levels": [{}]}),
        lambda value: json.dumps({**value, "levels": [{**value["levels"][0], "odd": 1}]}),
        lambda value: json.dumps({**value, "models": {"a": {}}}),
        lambda value: json.dumps({**value, "unknown": 1}),
    ],
)
def test_a_damaged_result_is_named(results, change):
    path = results / "short" / "run.json"
    path.write_text(change(json.loads(path.read_text())))
    with pytest.raises(PerfError, match="is not what python -m perf run writes") as raised:
        write_report([results], results / "report.html")
    assert str(path) in str(raised.value)


def test_a_written_result_is_read_back_the_same(run, tmp_path):
    write_run(tmp_path, run)
    assert read_run(tmp_path) == run
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0123, "0.01"), (1.234, "1.23"), (12.34, "12.3"), (123.4, "123"), (12345.6, "12,346")],
)
def test_numbers_have_three_digits(value, text):
    assert format.rate(value) == text
