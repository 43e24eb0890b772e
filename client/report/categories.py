"""Average precision of each category."""

from __future__ import annotations

import math
from collections import Counter

from client.charts import format
from client.charts.sortable import Cell, sortable_table
from client.report.findings import Findings
from client.report.words import KIND_NAMES

SHOWN_FIGURES = ("AP", "AP50", "AP75", "APs", "APm", "APl")


def categories(findings: Findings) -> str:
    metrics = findings.evaluation.metrics
    figures = {kind: {each.id: each.values for each in m.categories} for kind, m in metrics.items()}
    names = {
        kind: [name for name in SHOWN_FIGURES if name in m.values] for kind, m in metrics.items()
    }
    objects = Counter(key for match in findings.matches for key in match.object_ids.tolist())
    head = ["category", "objects"]
    head += [f"{KIND_NAMES[kind]} {name}" for kind, its in names.items() for name in its]
    rows = []
    for category_id, label in findings.labels.items():
        count = objects[category_id]
        cells = [Cell(label, label), Cell(f"{count:,}", count)]
        for kind, its in names.items():
            values = figures[kind].get(category_id, {})
            cells += [_cell(values.get(name), has_bar=name == "AP") for name in its]
        rows.append(cells)
    return (
        "<h2>Categories</h2>"
        '<p class="note">Average precision in percent. A click on a column\'s name sorts by it.</p>'
        + sortable_table("categories", head, rows, sorted_by=2)
    )


def _cell(value: float | None, *, has_bar: bool) -> Cell:
    if value is None:
        return Cell("–", math.nan)
    return Cell(format.points(value), value, value / 100 if has_bar else None)
