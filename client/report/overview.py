"""The finding."""

from __future__ import annotations

from html import escape

from client.analysis.error_kinds import KINDS
from client.charts import format
from client.report.findings import Findings
from client.report.words import COST_NAMES, KIND_NAMES, counted, joined

SMALLEST_COST = 0.05
"""Percentage points below which nothing is said to cost anything."""


def headline(findings: Findings) -> str:
    """The finding, in one sentence."""
    evaluation = findings.evaluation
    figures = joined(
        [
            f"{KIND_NAMES[kind]} AP {format.points(metrics.values['AP'])}"
            for kind, metrics in evaluation.metrics.items()
        ]
    )
    sentence = f"{figures[0].upper()}{figures[1:]} on {counted(len(evaluation.images), 'picture')}"
    gains = findings.costs["bbox"].gains
    worst = max(KINDS, key=lambda kind: gains[kind])
    if gains[worst] < SMALLEST_COST:
        return f"{sentence}."
    return f"{sentence}: {COST_NAMES[worst]} cost most, {gains[worst]:.1f} points of box AP50."


def explanation(findings: Findings) -> str:
    """Some more sentences."""
    evaluation = findings.evaluation
    sentences = [_extremes(findings), _sizes(findings)]
    if found := findings.calibration:
        threshold = found.best_threshold
        place = round(threshold * 100)
        sentences.append(
            f"From a score of {threshold:.2f} on, {format.percent(found.precision[place])} of the "
            f"detections are right and {format.percent(found.recall[place])} of the objects found."
        )
    if pace := findings.pace:
        sentences.append(
            f"{format.rate(pace.answers / pace.seconds)} pictures per second were answered."
        )
    objects = sum(len(match.objects) for match in findings.matches)
    sentences.append(
        f"{counted(len(evaluation.results), 'detection')} stand against "
        f"{counted(objects, 'annotated object')}."
    )
    return " ".join(filter(None, sentences))


def _extremes(findings: Findings) -> str:
    metrics = next(iter(findings.evaluation.metrics.values()))
    known = {
        each.id: value for each in metrics.categories if (value := each.values["AP"]) is not None
    }
    if len(known) < 2:
        return ""
    low, high = min(known, key=lambda key: known[key]), max(known, key=lambda key: known[key])
    kind = KIND_NAMES[metrics.iou_type]
    return (
        f"Of {len(known):,} categories {findings.label(low)} has the lowest {kind} AP, "
        f"{known[low]:.1f}, and {findings.label(high)} the highest, {known[high]:.1f}."
    )


def _sizes(findings: Findings) -> str:
    metrics = next(iter(findings.evaluation.metrics.values()))
    small, large = metrics.values.get("APs"), metrics.values.get("APl")
    if small is None or large is None:
        return ""
    return f"Small objects have {small:.1f}, large ones {large:.1f}."


def overview(findings: Findings) -> str:
    return (
        f'<h1>{escape(headline(findings))}</h1><p class="lead">{escape(explanation(findings))}</p>'
    )


def warnings(findings: Findings) -> str:
    """What keeps the figures from being those of the data set."""
    evaluation = findings.evaluation
    texts = list(evaluation.notes)
    if missing := len(evaluation.images) - evaluation.finished:
        which = counted(
            missing, "picture without a result counts", "pictures without a result count"
        )
        texts.append(f"{which} as if nothing had been found there.")
    if len(evaluation.images) < len(evaluation.dataset.images):
        texts.append(
            f"This is a shard: {len(evaluation.images):,} of the data set's "
            f"{counted(len(evaluation.dataset.images), 'picture')}."
        )
    return "".join(f'<p class="warning">{escape(text)}</p>' for text in texts)
