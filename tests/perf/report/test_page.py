from __future__ import annotations

import dataclasses
import html
from pathlib import Path

from client.charts import format
from perf.report.figures import labelled
from perf.report.page import page
from perf.result import Run


def test_loads_that_are_not_stable_and_runs_not_complete_say_so(run: Run) -> None:
    unstable = dataclasses.replace(run.levels[0], stable=False)
    broken_off = dataclasses.replace(run, levels=(unstable,), complete=False)
    text = page(labelled({Path("a"): broken_off}))
    assert f"~{format.rate(unstable.throughput)}" in text
    assert "short (not complete)" in text


def test_repeated_loads_become_a_chart_over_time(run: Run) -> None:
    later = dataclasses.replace(run.levels[0], started_at=run.levels[0].started_at + 600)
    repeated = dataclasses.replace(run, levels=(run.levels[0], later))
    assert "minutes since the start" in page(labelled({Path("a"): repeated}))


def test_runs_of_different_machines_are_not_compared_in_silence(run: Run) -> None:
    other = dataclasses.replace(run, machine=dataclasses.replace(run.machine, cpu="Another"))
    assert "different machines" in page(labelled({Path("a"): run, Path("b"): other}))
    assert "different machines" not in page(labelled({Path("a"): run}))


def test_what_others_wrote_into_a_result_stays_text(run: Run) -> None:
    hostile = "<script>alert('&')</script>"
    scenario = dataclasses.replace(
        run.scenario, title=hostile, name=hostile, images=Path(hostile), model=hostile
    )
    machine = dataclasses.replace(run.machine, cpu=hostile)
    hostile_run = dataclasses.replace(run, scenario=scenario, machine=machine)
    text = page(labelled({Path("a"): hostile_run}))
    assert "<script" not in text
    assert html.escape(hostile) in text


def test_the_build_that_was_measured_is_named(run: Run, birds: Run) -> None:
    text = page(labelled({Path("a"): birds}))
    assert "<title>Performance of birds, served</title>" in text
    assert "mask_rcnn" not in text
    assert "Mask R-CNN" not in text
    both = page(labelled({Path("a"): run, Path("b"): birds}))
    assert "<title>Performance of birds, mask_rcnn, served</title>" in both
    assert "birds: short" in both
