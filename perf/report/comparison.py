"""The runs against each other, and against what others have published."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from client.charts import format
from client.charts.tables import table
from perf.report.dots import Dot, dot_rows
from perf.report.figures import LabelledRun, load_label
from perf.report.published import MARKS


def baseline(runs: Sequence[LabelledRun]) -> LabelledRun:
    """The run that ratios are to: the first of the whole pipeline, or else the first."""
    return next((run for run in runs if run.is_pipeline), runs[0])


def comparison(runs: Sequence[LabelledRun]) -> str:
    return (
        "<h2>The runs against each other</h2>"
        f'<p class="note">Each at its highest throughput; ratios are to '
        f"{escape(baseline(runs).label)}, and mean nothing beyond this report.</p>"
        + _warning(runs)
        + _table(runs)
        + _dots(runs)
    )


def _warning(runs: Sequence[LabelledRun]) -> str:
    machines = {
        (each.run.machine.cpu, each.run.machine.cores, *each.run.machine.gpus) for each in runs
    }
    if len(machines) == 1:
        return ""
    return (
        '<p class="warning">These runs are from different machines, which the setting at the end '
        "describes: the ratios compare the machines too.</p>"
    )


def _table(runs: Sequence[LabelledRun]) -> str:
    base = baseline(runs).best
    rows = []
    for each in runs:
        run, best = each.run, each.best
        uncertain = "" if best.stable else "~"
        cells = [
            each.label + ("" if run.complete else " (not complete)"),
            load_label(run, best),
            uncertain + format.rate(best.throughput),
            format.ratio(best.throughput / base.throughput),
            uncertain + format.milliseconds(best.latency_ms.p50),
            uncertain + format.milliseconds(best.latency_ms.p95),
            uncertain + format.milliseconds(best.latency_ms.p99),
            format.ratio(best.latency_ms.p50 / base.latency_ms.p50),
        ]
        rows.append(cells)
    head = ("scenario", "load", "img/s", "ratio", "p50, ms", "p95, ms", "p99, ms", "ratio of p50")
    return table(head, rows, "named")


def _dots(runs: Sequence[LabelledRun]) -> str:
    dots = [
        Dot(
            each.label,
            load_label(each.run, each.best),
            each.best.throughput,
            f"{format.rate(each.best.throughput)} img/s",
            "ours",
        )
        for each in runs
    ]
    marks = [
        Dot(
            mark.name,
            mark.setting,
            mark.pictures_per_second,
            mark.published
            if mark.published.endswith("img/s")
            else f"{format.rate(mark.pictures_per_second)} img/s ({mark.published})",
            "mark",
        )
        for mark in MARKS
    ]
    return (
        "<h3>Pictures per second, on a logarithmic scale</h3>"
        '<p class="note">◆ Published by others: <b>other machines and other settings</b> (COCO '
        "R50-C4 at 800/1333 px, network alone or their own loop). They give an idea of the size "
        "of things and compare with nothing here; a time per picture is shown as if one followed "
        "another.</p>" + dot_rows([*dots, *marks])
    )
