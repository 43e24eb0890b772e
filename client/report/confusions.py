"""The confusion matrix."""

from __future__ import annotations

from html import escape

from client.analysis.confusion import NOTHING
from client.charts.tables import table
from client.report.findings import SHOWN_SCORE, Findings

MOST_CATEGORIES = 30
"""In the matrix; of more those that are mistaken most often."""
MOST_PAIRS = 12
CELL, LABELS, HEADS, MARGIN = 24, 150, 96, 50
LONGEST_LABEL = 20


def confusions(findings: Findings) -> str:
    mistakes = findings.confusion.mistakes
    chosen = set(sorted(findings.labels, key=lambda key: -mistakes[key])[:MOST_CATEGORIES])
    ids = [key for key in findings.labels if key in chosen]
    is_part = len(ids) < len(findings.labels)
    which = f"The {len(ids)} categories that are mistaken most often. " if is_part else ""
    return (
        "<h2>Confusion</h2>"
        f'<p class="note">{which}Rows are what is annotated, columns what was found with a score '
        f"of {SHOWN_SCORE} or more, each box with the object of any category that it overlaps by "
        "half or more. The last column has the missed objects; the last row what was found where "
        "there is nothing, or nothing more: an object's second box too.</p>"
        f'<div class="confusion"><div class="scroll">{_matrix(findings, ids)}</div>'
        f"{_pairs(findings)}</div>"
    )


def _matrix(findings: Findings, ids: list[int]) -> str:
    counts = findings.confusion.counts
    places = [*ids, NOTHING]
    totals = {row: sum(counts[row, column] for column in places) for row in places}
    size = CELL * len(places)
    parts = [
        f'<svg class="matrix" viewBox="0 0 {LABELS + size + MARGIN} {HEADS + size}" role="img" '
        f'aria-label="confusion matrix" style="width:{LABELS + size + MARGIN}px">'
    ]
    for n, key in enumerate(places):
        place = CELL * n + CELL / 2
        row = "nothing there" if key == NOTHING else _short(findings.label(key))
        column = "missed" if key == NOTHING else _short(findings.label(key))
        parts.append(
            f'<text class="end" x="{LABELS - 6}" y="{HEADS + place + 4}">{escape(row)}</text>'
            f'<text transform="translate({LABELS + place + 4} {HEADS - 6}) rotate(-55)">'
            f"{escape(column)}</text>"
        )
    for y, row_id in enumerate(places):
        for x, column_id in enumerate(places):
            count = counts[row_id, column_id]
            share = count / totals[row_id] if totals[row_id] else 0.0
            style = "right" if row_id == column_id else "wrong"
            left, top = LABELS + CELL * x, HEADS + CELL * y
            parts.append(
                f'<rect class="empty" x="{left}" y="{top}" width="{CELL - 1}" height="{CELL - 1}"/>'
            )
            if not count:
                continue
            title = f"{_annotated(findings, row_id)}, {_detected(findings, column_id)}: {count:,}"
            pale = " pale" if share < 0.45 else ""
            number = f"{count}" if count < 1000 else f"{count / 1000:.0f}k"
            parts.append(
                f'<g><title>{escape(title)}</title><rect class="{style}" x="{left}" y="{top}" '
                f'width="{CELL - 1}" height="{CELL - 1}" opacity="{0.12 + 0.88 * share:.2f}"/>'
                f'<text class="middle count{pale}" x="{left + (CELL - 1) / 2}" '
                f'y="{top + CELL / 2 + 4}">{number}</text></g>'
            )
    return "".join([*parts, "</svg>"])


def _pairs(findings: Findings) -> str:
    """The most frequent mistakes."""
    mistakes = [
        (pair, count) for pair, count in findings.confusion.counts.items() if pair[0] != pair[1]
    ]
    mistakes.sort(key=lambda entry: (-entry[1], entry[0]))
    rows = [
        [_annotated(findings, row), _detected(findings, column), f"{count:,}"]
        for (row, column), count in mistakes[:MOST_PAIRS]
    ]
    if not rows:
        return '<p class="note">No category is taken for another.</p>'
    return (
        f"<div><h3>Most frequent</h3>{table(['annotated', 'found', 'times'], rows, 'texts')}</div>"
    )


def _annotated(findings: Findings, category_id: int) -> str:
    return "nothing" if category_id == NOTHING else findings.label(category_id)


def _detected(findings: Findings, category_id: int) -> str:
    return "missed" if category_id == NOTHING else f"as {findings.label(category_id)}"


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 1] + "…"
