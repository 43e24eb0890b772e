"""Average precision: COCO's figures, by the size of objects, and what the errors cost."""

from __future__ import annotations

import math
from html import escape

from client.analysis.error_kinds import KINDS
from client.charts import format
from client.charts.bars import Segment, bar_row, legend, stacked_bar
from client.charts.tables import table
from client.report.findings import Findings
from client.report.words import ERROR_NAMES, KIND_NAMES, counted

FIGURES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "APr", "APc", "APf")
"""COCO's, and LVIS's."""
SIZES = (
    ("APs", "small", "below 32² pixels", 0.0),
    ("APm", "medium", "32² to 96²", 32.0**2),
    ("APl", "large", "from 96² on", 96.0**2),
)
"""COCO's: figure, name, what it means, and the area that it begins with."""


def precision(findings: Findings) -> str:
    """The figures, and beside them what the errors cost."""
    metrics = findings.evaluation.metrics
    printed = "\n\n".join(f"{KIND_NAMES[kind]}\n{each.table}" for kind, each in metrics.items())
    return (
        '<h2>Average precision</h2><div class="columns">'
        f"<div>{_figures(findings)}{_sizes(findings)}</div><div>{_costs(findings)}</div></div>"
        f"<details><summary>The table as it is printed</summary><pre>{escape(printed)}</pre>"
        "</details>"
    )


def _figures(findings: Findings) -> str:
    """COCO's, or LVIS's."""
    metrics = findings.evaluation.metrics
    names = [name for name in FIGURES if any(name in each.values for each in metrics.values())]
    rows = [
        [KIND_NAMES[kind], *(_cell(each.values, name) for name in names)]
        for kind, each in metrics.items()
    ]
    by = (
        "faster-coco-eval, by LVIS's rules,"
        if findings.evaluation.dataset.is_lvis
        else "pycocotools"
    )
    return f"<h3>In percent<small>as {by} computes it</small></h3>" + table(
        ["", *names], rows, "named figures"
    )


def _sizes(findings: Findings) -> str:
    """How the figures depend on how large objects are."""
    areas = [entry["area"] for match in findings.matches for entry in match.objects]
    ends = [*(start for *_, start in SIZES[1:]), math.inf]
    metrics = findings.evaluation.metrics
    rows = []
    for (figure, name, meaning, start), end in zip(SIZES, ends, strict=True):
        count = sum(start <= area < end for area in areas)
        label = f"{name}, {counted(count, 'object')}"
        for kind, each in metrics.items():
            if figure in each.values:
                value = each.values[figure]
                bar = stacked_bar([Segment(kind, value or 0.0, f"area {meaning}")], 100)
                rows.append(bar_row(label, bar, format.points(value)))
                label = ""
    kinds = [(kind, f"{KIND_NAMES[kind]} AP") for kind in metrics]
    return (
        "<h3>By the size of objects<small>annotated area to 32², to 96², above</small></h3>"
        f'<div class="bars sizes">{"".join(rows)}</div>{legend(kinds)}'
    )


def _costs(findings: Findings) -> str:
    """TIDE's six kinds of errors."""
    costs = findings.costs
    full = max(0.01, *(gain for each in costs.values() for gain in each.gains.values()))
    rows = "".join(
        bar_row(
            f"{error}: {ERROR_NAMES[error]}" if kind == "bbox" else "",
            stacked_bar([Segment(kind, found.gains[error], f"{found.gains[error]:.3f}")], full),
            f"{found.gains[error]:.2f} · {found.counts[error]:,}",
        )
        for error in KINDS
        for kind, found in costs.items()
    )
    kinds = [(kind, f"of {KIND_NAMES[kind]} AP50, {costs[kind].ap50:.2f}") for kind in costs]
    return (
        "<h3>What the errors cost<small>dAP · how many</small></h3>"
        f'<div class="bars costs">{rows}</div>{legend(kinds)}'
        '<p class="note">TIDE\'s six kinds (Bolya et al. 2020): points that AP50 would gain if '
        "that kind alone were mended.</p>"
    )


def _cell(values: dict[str, float | None], name: str) -> str:
    value = values.get(name)
    return "–" if value is None else f"{value:.2f}"
