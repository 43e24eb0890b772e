"""Throughput and latency under every load, scenario by scenario."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from client.charts import format
from client.charts.bars import legend
from client.charts.curve import Line, Point, line_chart
from client.charts.tables import table
from perf.report.figures import LabelledRun, model_times, step_label
from perf.result import Level, Run

PERCENTILES = ("p50", "p95", "p99")


def loads(runs: Sequence[LabelledRun]) -> str:
    parts = ["<h2>Throughput and latency</h2>"]
    parts.append(legend([(name, f"{name} latency") for name in PERCENTILES]))
    parts.append(
        '<p class="note">Numbers beside points are loads. Hollow points and figures with ~ are '
        "not stable: the windows of the measurement differed by more than the scenario allows."
        "</p>"
    )
    parts += [_section(each) for each in runs]
    return "".join(parts)


def _section(labelled: LabelledRun) -> str:
    run = labelled.run
    chart = ""
    if len({level.load for level in run.levels}) > 1:
        chart = _throughput_chart(run)
    elif len(run.levels) > 1:
        chart = _time_chart(run)
    return (
        f"<section><h3>{escape(labelled.label)} <small>{escape(run.scenario.title)}</small>"
        f'</h3><div class="pair">{chart}{_table(run)}</div></section>'
    )


def _throughput_chart(run: Run) -> str:
    levels = sorted(run.levels, key=lambda level: level.load)
    lines = [
        Line(
            name,
            name,
            [
                Point(
                    level.throughput,
                    getattr(level.latency_ms, name),
                    f"{level.load:g}" if name == "p50" else "",
                    not level.stable,
                )
                for level in levels
            ],
        )
        for name in reversed(PERCENTILES)
    ]
    return line_chart(lines, "pictures per second", "latency, ms")


def _time_chart(run: Run) -> str:
    start = run.levels[0].started_at
    lines = [
        Line(
            name,
            name,
            [
                Point(
                    (level.started_at - start) / 60,
                    getattr(level.latency_ms, name),
                    hollow=not level.stable,
                )
                for level in run.levels
            ],
        )
        for name in reversed(PERCENTILES)
    ]
    return line_chart(lines, "minutes since the start", "latency, ms")


def _table(run: Run) -> str:
    steps = [each.step for each in model_times(run, run.levels[0])]
    kind = run.scenario.load_kind.replace("_", " ")
    head = [kind, "img/s", *(f"{name}, ms" for name in PERCENTILES)]
    head += [f"{step_label(run, step)} busy" for step in steps]
    if any(level.gpu_utilization is not None for level in run.levels):
        head.append("GPU busy")
    if len(run.levels) > 1 and all(level.load == run.levels[0].load for level in run.levels):
        head.append("memory, GiB")
    return table(head, [_cells(run, level, head) for level in run.levels])


def _cells(run: Run, level: Level, head: Sequence[str]) -> list[str]:
    uncertain = "" if level.stable else "~"
    cells = [f"{level.load:g}", uncertain + format.rate(level.throughput)]
    cells += [
        uncertain + format.milliseconds(getattr(level.latency_ms, name)) for name in PERCENTILES
    ]
    for each in model_times(run, level):
        cells.append("–" if each.busy is None else format.percent(each.busy))
    if "GPU busy" in head:
        cells.append(
            "–" if level.gpu_utilization is None else format.percent(level.gpu_utilization)
        )
    if "memory, GiB" in head:
        cells.append("–" if level.memory_bytes is None else f"{level.memory_bytes / 2**30:.2f}")
    return cells
