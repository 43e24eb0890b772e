"""Precision against recall."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from client.analysis.error_kinds import RECALLS
from client.charts.bars import legend
from client.charts.curve import Line, Point, line_chart
from client.coco.metrics import CURVES, CategoryMetrics, Metrics
from client.report.findings import Findings
from client.report.words import KIND_NAMES

STYLES = dict(zip(CURVES, ("iou-50", "iou-75", "iou-mean"), strict=True))
FEWEST_TO_CHOOSE = 16
"""Categories of which a curve is drawn; of more those with the lowest AP."""
WIDTH, HEIGHT = 160, 96


def curves(findings: Findings) -> str:
    metrics = findings.evaluation.metrics
    charts = "".join(
        f"<div><h3>{KIND_NAMES[kind]}</h3>{_all_categories(each)}</div>"
        for kind, each in metrics.items()
        if any(category.curves for category in each.categories)
    )
    if not charts:
        return ""
    similarity = "IoU (of keypoints: OKS)" if "keypoints" in metrics else "IoU"
    return (
        "<h2>Precision and recall</h2>"
        f'<p class="note">The mean over the categories, by the {similarity} that is asked for.</p>'
        + legend([(STYLES[iou], f"{similarity.split()[0]} {iou}") for iou in CURVES])
        + f'<div class="columns charts">{charts}</div>'
        + _each_category(findings, next(iter(metrics.values())))
    )


def _all_categories(metrics: Metrics) -> str:
    lines = []
    for iou in CURVES:
        its = [each.curves[iou] for each in metrics.categories if each.curves]
        mean = np.mean(its, axis=0)
        points = [Point(x, y) for x, y in zip(RECALLS.tolist(), mean.tolist(), strict=True)]
        lines.append(Line(iou, STYLES[iou], points, has_dots=False))
    return line_chart(lines, "recall", "precision", least_end=1.0)


def _each_category(findings: Findings, metrics: Metrics) -> str:
    known = [each for each in metrics.categories if each.curves]
    chosen = sorted(known, key=lambda each: each.values["AP"] or 0.0)[:FEWEST_TO_CHOOSE]
    which = "Each category" if len(chosen) == len(known) else f"The {len(chosen)} lowest"
    small = "".join(
        f"<figure><figcaption>{escape(findings.label(each.id))}</figcaption>{_small(each)}</figure>"
        for each in chosen
    )
    return (
        f"<h3>{which}<small>{KIND_NAMES[metrics.iou_type]}, lowest AP first; recall to the right, "
        f'precision upwards, both from 0 to 1</small></h3><div class="multiples">{small}</div>'
    )


def _small(category: CategoryMetrics) -> str:
    lines = "".join(
        f'<path class="line {STYLES[iou]}" d="M{_path(category.curves[iou])}"/>' for iou in CURVES
    )
    figures = ", ".join(
        f"{name} {value:.1f}" for name in ("AP", "AP50", "AP75")
        if (value := category.values[name]) is not None
    )  # fmt: skip
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{figures}">'
        f'<title>{figures}</title><rect class="frame" width="{WIDTH}" height="{HEIGHT}"/>{lines}'
        "</svg>"
    )


def _path(precision: Sequence[float]) -> str:
    """Only where it bends: most curves are steps."""
    places = [0]
    for n in range(1, len(precision) - 1):
        if not precision[n - 1] == precision[n] == precision[n + 1]:
            places.append(n)
    places.append(len(precision) - 1)
    return "L".join(f"{RECALLS[n] * WIDTH:.0f} {HEIGHT * (1 - precision[n]):.1f}" for n in places)
