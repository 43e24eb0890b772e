"""What a score is worth, and where to draw the line."""

from __future__ import annotations

import math
from collections.abc import Sequence

from client.analysis.calibration import ScoreBin
from client.charts import format
from client.charts.bars import Segment, bar_row, legend, stacked_bar
from client.charts.curve import Line, Point, line_chart
from client.report.findings import Findings


def scores(findings: Findings) -> str:
    found = findings.calibration
    if found is None:
        return ""
    reliability = line_chart(
        [
            Line("as promised", "diagonal", [Point(0, 0), Point(1, 1)], has_dots=False),
            Line("precision", "iou-50", [Point(b.mean_score, b.precision) for b in found.bins]),
        ],
        "mean score",
        "share that is right",
        least_end=1.0,
    )
    scores = found.thresholds.tolist()
    thresholds = line_chart(
        [
            Line(name, style, _points(scores, values.tolist()), has_dots=False)
            for name, style, values in (
                ("precision", "iou-50", found.precision),
                ("recall", "iou-75", found.recall),
                ("F1", "iou-mean", found.f1),
            )
        ],
        "least score",
        "share",
        least_end=1.0,
    )
    colours = [("iou-50", "precision"), ("iou-75", "recall"), ("iou-mean", "F1, of the two")]
    return (
        "<h2>Scores</h2>"
        '<p class="note">A detection is right if its box has an IoU of 0.5 or more with an object '
        "of its category that no better one has taken.</p>"
        '<div class="columns charts"><div><h3>Are they what they promise?</h3>'
        f"{reliability}"
        '<p class="note">On the dashed line a score of 0.8 is right in 80 % of the cases. The mean '
        f"distance from it, expected calibration error, is {found.expected_error:.3f}.</p></div>"
        f"<div><h3>Where to draw the line?</h3>{thresholds}{legend(colours)}"
        f'<p class="note">F1 is highest, {max(found.f1):.3f}, from a score of '
        f"{found.best_threshold:.2f} on.</p></div></div>{_bins(found.bins)}"
    )


def _points(scores: list[float], values: list[float]) -> list[Point]:
    pairs = zip(scores, values, strict=True)
    return [Point(score, value) for score, value in pairs if not math.isnan(value)]


def _bins(bins: Sequence[ScoreBin]) -> str:
    most = max(each.count for each in bins)
    rows = "".join(
        bar_row(
            f"around {each.mean_score:.2f}",
            stacked_bar([Segment("right", right, f"{right:,} right"),
                         Segment("wrong", each.count - right, f"{each.count - right:,} wrong")],
                        most),
            f"{format.percent(each.precision)} of {each.count:,}",
        )
        for each in bins
        for right in [round(each.precision * each.count)]
    )  # fmt: skip
    colours = [("right", "right"), ("wrong", "wrong")]
    return f'<h3>Detections by their score</h3><div class="scores">{rows}</div>{legend(colours)}'
