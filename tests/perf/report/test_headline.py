from __future__ import annotations

import dataclasses
from pathlib import Path

from client.charts import format
from perf.report.figures import labelled
from perf.report.headline import explanation, headline
from perf.result import Run


def test_the_headline_names_the_busiest_model_and_what_the_rest_would_carry(
    run: Run, capacity_run: Run
) -> None:
    runs = labelled({Path("a"): run, Path("b"): capacity_run})
    best = max(level.throughput for level in run.levels)
    assert headline(runs).startswith(f"Network is the limit: {format.rate(best)} pictures per")
    most = max(level.throughput for level in capacity_run.levels)
    assert f"carries {format.rate(most)} pictures per second" in explanation(runs)


def test_no_model_is_called_the_limit_while_all_have_time_left(run: Run) -> None:
    idle = {
        name: dataclasses.replace(
            each,
            batches={
                size: dataclasses.replace(batch, infer_ns=batch.infer_ns // 2)
                for size, batch in each.batches.items()
            },
        )
        for name, each in run.levels[0].statistics.items()
    }
    level = dataclasses.replace(run.levels[0], statistics=idle)
    runs = labelled({Path("a"): dataclasses.replace(run, levels=(level,))})
    assert "no model is the limit: the busiest, network, works" in headline(runs)


def test_what_the_rest_carries_is_not_taken_from_another_build(
    birds: Run, capacity_run: Run
) -> None:
    runs = labelled({Path("a"): birds, Path("b"): capacity_run})
    assert "network that takes no time" not in explanation(runs)
