"""One evaluation against another of the same pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

import numpy as np

from client.analysis.changes import (
    APPEARED,
    CATEGORY,
    CHANGED_SCORE,
    KINDS,
    MOVED,
    MOVED_IOU,
    SCORE,
    VANISHED,
    Changes,
    Pair,
    changes,
)
from client.analysis.error_kinds import KINDS as ERROR_KINDS
from client.analysis.matching import NONE, PictureMatch
from client.charts import format
from client.charts.sortable import Cell, sortable_table
from client.charts.tables import definitions, table
from client.differences import differences
from client.pictures.drawing import category_colors
from client.report import overview
from client.report.findings import SHOWN_SCORE, Findings
from client.report.gallery import Entry, gallery
from client.report.panels import Panel, Shape
from client.report.precision import FIGURES
from client.report.words import ERROR_NAMES, KIND_NAMES, counted, joined

MOST_SHOWN = 12
KIND_MEANINGS = {
    APPEARED: "there was nothing in its place",
    VANISHED: "there is nothing in its place",
    CATEGORY: "the same place, another category",
    MOVED: f"the two boxes have an IoU below {MOVED_IOU}",
    SCORE: f"by {CHANGED_SCORE} or more",
}


@dataclass(frozen=True)
class Comparison:
    """Two evaluations of the same pictures."""

    before: Findings
    """The other one, which `after` is compared with."""
    after: Findings

    @cached_property
    def changes(self) -> Changes:
        return changes(self.before.matches, self.after.matches, SHOWN_SCORE)

    @property
    def names(self) -> tuple[str, str]:
        """Before and after, which are two."""
        before, after = self.before.evaluation, self.after.evaluation
        if before.name != after.name:
            return before.name, after.name
        return str(before.folder), str(after.folder)


def headline(compared: Comparison) -> str:
    before, after = compared.before.evaluation, compared.after.evaluation
    figures = [
        f"{KIND_NAMES[kind]} AP {format.difference(_difference(before, after, kind, 'AP'))}"
        for kind in after.metrics
        if kind in before.metrics
    ]
    found = compared.changes
    text = joined(figures)
    count = f"{len(found.changed):,}" if found.changed else "none"
    return (
        f"{text[0].upper()}{text[1:]} against {compared.names[0]}: {count} of "
        f"{counted(len(found.pairs), 'detection')} changed."
    )


def finding(compared: Comparison) -> str:
    """About the two."""
    return (
        f"<h1>{escape(headline(compared))}</h1>"
        f'<p class="lead">{escape(overview.headline(compared.after))} {escape(_kept(compared))}</p>'
    )


def comparison(compared: Comparison) -> str:
    """The sections about their differences."""
    before, after = compared.names
    return (
        f'<h2>Differences</h2><p class="note">{escape(after)} less {escape(before)}, in points of '
        f"average precision. Before is {escape(before)}, after is {escape(after)}.</p>"
        + _figures(compared)
        + _models(compared)
        + _errors(compared)
        + _categories(compared)
        + _changes(compared)
    )


def _difference(before: Any, after: Any, kind: str, name: str) -> float | None:
    one, other = (each.metrics[kind].values.get(name) for each in (before, after))
    return None if one is None or other is None else other - one


def _figures(compared: Comparison) -> str:
    before, after = compared.before.evaluation, compared.after.evaluation
    kinds = [kind for kind in after.metrics if kind in before.metrics]
    names = [name for name in FIGURES if any(name in after.metrics[kind].values for kind in kinds)]
    rows = [
        [KIND_NAMES[kind], *(format.difference(_difference(before, after, kind, n)) for n in names)]
        for kind in kinds
    ]
    return table(["", *names], rows, "named figures")


def _models(compared: Comparison) -> str:
    """In what the two builds differ."""
    before, after = ({
        name.removeprefix(f"{found.evaluation.model_name}_"): model
        for name, model in found.evaluation.model.items()
        if name != found.evaluation.model_name
    } for found in (compared.before, compared.after))  # fmt: skip
    found = differences(before, after)
    if not found:
        return '<p class="note">The two are of the same build.</p>'
    rows = {path.replace("parameters.", ""): f"{one} → {other}" for path, one, other in found}
    return (
        f"<details><summary>What differs between the builds</summary>{definitions(rows)}</details>"
    )


def _errors(compared: Comparison) -> str:
    one, other = compared.before.costs, compared.after.costs
    rows = [
        [
            f"{error}: {ERROR_NAMES[error]}",
            KIND_NAMES[kind],
            f"{one[kind].gains[error]:.2f}",
            f"{other[kind].gains[error]:.2f}",
            format.difference(other[kind].gains[error] - one[kind].gains[error]),
            f"{one[kind].counts[error]:,}",
            f"{other[kind].counts[error]:,}",
        ]
        for error in ERROR_KINDS
        for kind in other
        if kind in one
    ]
    head = ["", "", "dAP before", "after", "difference", "errors before", "after"]
    return f"<h3>What the errors cost</h3>{table(head, rows, 'named second-left')}"


def _categories(compared: Comparison) -> str:
    before, after = compared.before.evaluation, compared.after.evaluation
    kinds = [kind for kind in after.metrics if kind in before.metrics]
    head = ["category"]
    for kind in kinds:
        name = KIND_NAMES[kind]
        head += [f"{name} AP before", f"{name} AP after", "difference"]
    values = {
        (kind, place): {c.id: c.values["AP"] for c in each.metrics[kind].categories}
        for kind in kinds
        for place, each in enumerate((before, after))
    }
    rows = []
    for category_id, label in compared.after.labels.items():
        cells = [Cell(label, label)]
        for kind in kinds:
            one, other = (values[kind, place].get(category_id) for place in (0, 1))
            change = None if one is None or other is None else other - one
            cells += [_cell(one), _cell(other), _difference_cell(change)]
        rows.append(cells)
    return (
        "<h3>Categories</h3>"
        '<p class="note">A click on a column\'s name sorts by it, differences by their size.</p>'
        + sortable_table("differences", head, rows, sorted_by=3)
    )


def _cell(value: float | None) -> Cell:
    return Cell(format.points(value), math.nan if value is None else value)


def _difference_cell(value: float | None) -> Cell:
    return Cell(format.difference(value), math.nan if value is None else abs(value))


def _changes(compared: Comparison) -> str:
    found = compared.changes
    right = [
        [_is_right(compared.before.matches[pair.picture], pair.before),
         _is_right(compared.after.matches[pair.picture], pair.after)]
        for pair in found.pairs
    ]  # fmt: skip
    rows = []
    for kind in (*KINDS, ""):
        chosen = [both for pair, both in zip(found.pairs, right, strict=True) if pair.kind == kind]
        rows.append(
            [
                kind or "as it was",
                KIND_MEANINGS.get(kind, ""),
                f"{len(chosen):,}",
                *(f"{sum(both[n] for both in chosen):,}" for n in (0, 1)),
            ]
        )
    entries = [_entry(compared, pair) for pair in _largest(found)]
    colors = category_colors(compared.after.evaluation.dataset.categories)
    return (
        "<h2>Detections that changed</h2>"
        f'<p class="note">Of those with a score of {SHOWN_SCORE} or more in one of the two, paired '
        "by their boxes (IoU of 0.5 or more). Right is what has an object of its category that no "
        "better one has taken.</p>"
        + table(["", "", "detections", "right before", "right after"], rows, "named second-left")
        + "<h3>The largest changes<small>one of each picture</small></h3>"
        + gallery(entries, colors)
    )


def _kept(compared: Comparison) -> str:
    """How near to each other the detections are that both have."""
    kept = compared.changes.kept
    if not kept:
        return ""
    apart = [abs(pair.scores[1] - pair.scores[0]) for pair in kept]
    ious = [pair.iou for pair in kept]
    text = (
        f"In the {len(kept):,} that both have, scores differ by {np.mean(apart):.4f} on average "
        f"and {max(apart):.3f} at most; boxes have an IoU of {np.mean(ious):.4f} on average and "
        f"{min(ious):.3f} at least."
    )
    masks = [_masks(compared, pair) for pair in kept]
    if any(None in both for both in masks):
        return text
    same = sum(one == other for one, other in masks)
    return f"{text} {same:,} masks are the same to the last pixel."


def _masks(compared: Comparison, pair: Pair) -> tuple[Any, Any]:
    one = compared.before.matches[pair.picture].found[pair.before]
    other = compared.after.matches[pair.picture].found[pair.after]
    return one.get("segmentation"), other.get("segmentation")


def _is_right(match: PictureMatch, place: int) -> bool:
    return place != NONE and bool(match.is_correct[place])


def _largest(found: Changes) -> list[Pair]:
    """One of each picture."""
    first: dict[int, Pair] = {}
    for pair in found.changed:
        first.setdefault(pair.picture, pair)
    return list(first.values())[:MOST_SHOWN]


def _entry(compared: Comparison, pair: Pair) -> Entry:
    sides = ((compared.before, pair.before), (compared.after, pair.after))
    boxes, both, said = [], [], []
    for (findings, place), name in zip(sides, compared.names, strict=True):
        match = findings.matches[pair.picture]
        if place != NONE:
            boxes.append(match.found[place]["bbox"])
            said.append(_label(findings, match, place))
        both.append(Panel(name, list(_shapes(findings, match, place))))
    caption = f"{pair.kind}: {' → '.join(said)}"
    image = compared.after.matches[pair.picture].image
    return Entry(image, caption, boxes, (both[0], both[1]))


def _shapes(findings: Findings, match: PictureMatch, subject: int) -> Iterator[Shape]:
    for place, entry in enumerate(match.found):
        is_it = place == subject
        if is_it or entry["score"] >= SHOWN_SCORE:
            label = _label(findings, match, place)
            yield Shape(entry, label, label if is_it else "", is_subject=is_it)


def _label(findings: Findings, match: PictureMatch, place: int) -> str:
    return f"{findings.label(int(match.found_ids[place]))} {match.scores[place]:.2f}"
