"""The report's first sentences, made from its data."""

from __future__ import annotations

from collections.abc import Sequence

from client.charts import format
from perf.report.figures import (
    LabelledRun,
    accounted,
    load_label,
    model_times,
    outside_models,
    step_label,
)

SATURATED = 0.85
"""A model whose instances are busy for so much of the time is what limits throughput."""


def subject(runs: Sequence[LabelledRun]) -> LabelledRun:
    """The run that the report is about: the fastest of the whole pipeline, or else of all."""
    return max(
        [run for run in runs if run.is_pipeline] or runs, key=lambda run: run.best.throughput
    )


def headline(runs: Sequence[LabelledRun]) -> str:
    """Says what limits throughput at its highest."""
    about = subject(runs)
    run, level = about.run, about.best
    times = model_times(run, level)
    where = load_label(run, level)
    reached = f"{format.rate(level.throughput)} pictures per second"
    working = [each for each in times if each.busy is not None]
    if not working:
        return f"{reached} at {where}."
    busy, name = max((each.busy or 0.0, step_label(run, each.step)) for each in working)
    if busy >= SATURATED:
        return (
            f"{name.capitalize()} is the limit: {reached} keep it busy {format.percent(busy)} "
            "of the time."
        )
    return (
        f"{reached}, and no model is the limit: the busiest, {name}, works "
        f"{format.percent(busy)} of the time."
    )


def explanation(runs: Sequence[LabelledRun]) -> str:
    """Says where a request's time goes, and what the pipeline would carry without the network."""
    about = subject(runs)
    run, level = about.run, about.best
    whole = accounted(run, level)
    shares = [(step_label(run, each.step), each.total / whole) for each in model_times(run, level)]
    shares.append(("between them and the client", outside_models(run, level) / whole))
    shares.sort(key=lambda share: -share[1])
    sentences = [
        f"Of the {format.milliseconds(level.latency_ms.mean)} ms that a request takes at "
        f"{load_label(run, level)}, "
        + ", ".join(f"{format.percent(share)} are {name}" for name, share in shares if share > 0)
        + "."
    ]
    capacities = [
        each
        for each in runs
        if each.run.scenario.network == "recorded" and each.run.scenario.model == run.scenario.model
    ]
    if capacities and about.is_pipeline:
        most = max(each.best.throughput for each in capacities)
        sentences.append(
            f"With a network that takes no time the same pipeline carries "
            f"{format.rate(most)} pictures per second, "
            f"{format.rate(most / level.throughput)} times as many."
        )
    return " ".join(sentences)
