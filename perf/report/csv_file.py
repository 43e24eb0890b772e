"""Every level of every run as a row."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from perf.report.figures import LabelledRun, model_times, outside_models
from perf.result import Level, Run
from perf.scenario import STEPS


def csv_text(runs: Sequence[LabelledRun]) -> str:
    """A CSV file with a header line; times in milliseconds, throughput in pictures per second."""
    rows = [_row(each.label, each.run, level) for each in runs for level in each.run.levels]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _row(label: str, run: Run, level: Level) -> dict[str, Any]:
    scenario, latency = run.scenario, level.latency_ms
    row = {
        "run": label,
        "started_at": run.started_at,
        "model": scenario.model,
        "step": scenario.step or "",
        "network": scenario.network,
        "batch": scenario.batch,
        "transport": scenario.transport,
        "load_kind": scenario.load_kind,
        "load": f"{level.load:g}",
        "stable": "yes" if level.stable else "no",
        "throughput": round(level.throughput, 4),
        "mean_ms": round(latency.mean, 3),
        "p50_ms": round(latency.p50, 3),
        "p90_ms": round(latency.p90, 3),
        "p95_ms": round(latency.p95, 3),
        "p99_ms": round(latency.p99, 3),
        "outside_models_ms": round(outside_models(run, level), 3),
        "gpu_utilization": "" if level.gpu_utilization is None else level.gpu_utilization,
    }
    times = {each.step: each for each in model_times(run, level)}
    for step in STEPS:
        each = times.get(step)
        for part in ("queue", "input", "infer", "output"):
            row[f"{step}_{part}_ms"] = "" if each is None else round(getattr(each, part), 3)
        row[f"{step}_busy"] = "" if each is None or each.busy is None else round(each.busy, 4)
        row[f"{step}_mean_batch"] = "" if each is None else round(each.mean_batch, 3)
    return row
