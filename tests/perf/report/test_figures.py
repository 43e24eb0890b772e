from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from perf.report.figures import labelled, model_times, outside_models
from perf.result import Run


def test_a_models_time_is_split_as_the_server_split_it(run: Run) -> None:
    level = run.levels[0]
    preprocess, network, postprocess = model_times(run, level)
    steps = [each.step for each in (preprocess, network, postprocess)]
    assert steps == ["preprocess", "network", "postprocess"]
    statistics = level.statistics["mask_rcnn_network"]
    assert network.infer == statistics.infer_ns / statistics.requests / 1e6
    assert network.total == pytest.approx(
        network.queue + network.input + network.infer + network.output
    )
    assert 0 <= outside_models(run, level) < level.latency_ms.mean


def test_busy_is_the_instances_share_of_time(run: Run) -> None:
    level = run.levels[0]
    statistics = level.statistics["mask_rcnn_preprocess"]
    seconds = sum(batch.compute_ns for batch in statistics.batches.values()) / 1e9
    expected = level.throughput * seconds / statistics.pictures / 2  # two instances
    assert model_times(run, level)[0].busy == pytest.approx(expected)


def test_batches_are_counted_by_execution(run: Run) -> None:
    network = model_times(run, run.levels[1])[1]
    pictures = sum(size * count for size, count in network.batches.items())
    assert network.mean_batch == pytest.approx(pictures / sum(network.batches.values()))
    assert network.mean_batch > 1


def test_runs_of_one_scenario_are_told_apart(run: Run) -> None:
    runs = labelled({Path("a"): run, Path("b"): run, Path("c"): run})
    assert [each.label for each in runs] == ["short", "short (2)", "short (3)"]


def test_a_steps_figures_are_found_under_the_name_of_the_runs_own_build(
    run: Run, birds: Run
) -> None:
    level = birds.levels[0]
    another = {"another_network": level.statistics["birds_network"]}
    beside = dataclasses.replace(level, statistics={**level.statistics, **another})
    assert model_times(birds, beside) == model_times(run, run.levels[0])


def test_runs_of_several_builds_are_told_apart(run: Run, birds: Run) -> None:
    runs = labelled({Path("a"): run, Path("b"): birds, Path("c"): birds})
    assert [each.label for each in runs] == ["mask_rcnn: short", "birds: short", "birds: short (2)"]
