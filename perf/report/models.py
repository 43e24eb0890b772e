"""Where the time goes in each model, and the batches that it formed."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from client.charts import format
from client.charts.bars import Segment, bar_row, legend, stacked_bar
from perf.report.figures import LabelledRun, ModelTime, load_label, model_times, step_label
from perf.result import Level

PARTS = (
    ("part-queue", "queue", "waiting in the queue"),
    ("part-input", "input", "gathering the input"),
    ("part-infer", "infer", "computing"),
    ("part-output", "output", "handing over the output"),
)


def times(runs: Sequence[LabelledRun]) -> str:
    return (
        "<h2>Where the time goes in each model</h2>"
        + legend([(style, text) for style, _, text in PARTS])
        + '<p class="note">The mean over the requests, by the server\'s own statistics. A request '
        "of a batch waits for the whole batch. Bars are to scale within a scenario.</p>"
        + '<div class="columns">'
        + "".join(_times(each) for each in runs)
        + "</div>"
    )


def _times(labelled: LabelledRun) -> str:
    run = labelled.run
    by_level = [(level, model_times(run, level)) for level in _distinct_loads(labelled)]
    full = max((each.total for _, all_times in by_level for each in all_times), default=0.0)
    if not full:
        return ""
    groups = "".join(
        f"<h4>{escape(load_label(run, level))}</h4>"
        + "".join(
            bar_row(
                step_label(run, each.step),
                stacked_bar(_segments(each), full),
                f"{format.milliseconds(each.total)} ms",
            )
            for each in all_times
        )
        for level, all_times in by_level
    )
    return f'<section class="bars"><h3>{escape(labelled.label)}</h3>{groups}</section>'


def _segments(each: ModelTime) -> list[Segment]:
    return [
        Segment(
            style,
            getattr(each, name),
            f"{text}: {format.milliseconds(getattr(each, name))} ms",
        )
        for style, name, text in PARTS
    ]


def batches(runs: Sequence[LabelledRun]) -> str:
    sections = "".join(_batches(each) for each in runs)
    if not sections:
        return ""
    sizes = [(f"batch-{size}", str(size) if size < 8 else "8 or more") for size in range(1, 9)]
    return (
        "<h2>Batches that formed</h2>"
        + legend(sizes)
        + '<p class="note">How many of the executions had how many pictures, and the mean. '
        "Preprocess and postprocess take one request at a time on purpose.</p>"
        f'<div class="columns">{sections}</div>'
    )


def _batches(labelled: LabelledRun) -> str:
    run, rows = labelled.run, []
    for level in _distinct_loads(labelled):
        for each in model_times(run, level):
            if each.step == "network" and each.batches:
                rows.append(
                    bar_row(
                        load_label(run, level),
                        stacked_bar(_shares(each), sum(each.batches.values())),
                        f"{each.mean_batch:.2f}",
                    )
                )
    if not rows:
        return ""
    return f'<section class="bars"><h3>{escape(labelled.label)}</h3>{"".join(rows)}</section>'


def _shares(each: ModelTime) -> list[Segment]:
    return [
        Segment(f"batch-{min(size, 8)}", count, f"{count} executions of {size}", str(size))
        for size, count in each.batches.items()
    ]


def _distinct_loads(labelled: LabelledRun) -> list[Level]:
    """The last level of each load: a scenario with `repeat` has many of one."""
    return list({level.load: level for level in labelled.run.levels}.values())
