"""The head of the page: what limits, and one picture of where a request's time goes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from client.charts import format
from client.charts.bars import Segment, bar_row, legend, stacked_bar
from perf.report.figures import (
    LabelledRun,
    accounted,
    load_label,
    model_times,
    outside_models,
    step_label,
)
from perf.report.headline import explanation, headline, subject
from perf.result import Level, Run
from perf.scenario import STEPS

OUTSIDE = "outside"
DISTURBED = 0.1
"""A machine of which other programs took so much is worth a warning."""


def overview(runs: Sequence[LabelledRun]) -> str:
    about = subject(runs)
    run = about.run
    least, best = min(run.levels, key=lambda level: level.load), about.best
    levels = [least] if least is best else [least, best]
    full = max(accounted(run, level) for level in levels)
    bars = "".join(
        bar_row(
            load_label(run, level),
            stacked_bar(_segments(run, level), full),
            f"{format.milliseconds(level.latency_ms.mean)} ms",
        )
        for level in levels
    )
    present = {each.step for level in levels for each in model_times(run, level)}
    colours = [(step, step_label(run, step)) for step in STEPS if step in present]
    return (
        f"<h1>{escape(headline(runs))}</h1>"
        f'<p class="lead">{escape(explanation(runs))}</p>'
        f'<div class="bars wide">{bars}</div>'
        + legend(
            [*colours, (OUTSIDE, "between them and the client"), ("queue", "pale: in their queues")]
        )
        + f'<p class="note">A request\'s mean time in the scenario {escape(about.label)}, '
        "under its lowest load and the one of its highest throughput.</p>" + _warning(runs)
    )


def _warning(runs: Sequence[LabelledRun]) -> str:
    most = max(float(each.run.machine.busy_before) for each in runs)
    if most < DISTURBED:
        return ""
    return (
        f'<p class="warning">Other programs took up to {format.percent(most)} of the machine just '
        "before a scenario was started: figures are lower and less certain than they could be.</p>"
    )


def _segments(run: Run, level: Level) -> list[Segment]:
    segments = []
    for each in model_times(run, level):
        name = step_label(run, each.step)
        computing = each.total - each.queue
        for style, value, text in (
            (f"{each.step} queue", each.queue, f"{name}, in its queue"),
            (each.step, computing, name),
        ):
            title = f"{text}: {format.milliseconds(value)} ms"
            segments.append(Segment(style, value, title, f"{format.milliseconds(value)} ms"))
    outside = outside_models(run, level)
    title = f"between the models and the client: {format.milliseconds(outside)} ms"
    return [*segments, Segment(OUTSIDE, outside, title, f"{format.milliseconds(outside)} ms")]
