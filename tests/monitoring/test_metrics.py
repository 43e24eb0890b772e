"""The project's own counters, on a live server of two builds with two instances of each step."""

from __future__ import annotations

import pytest

from artifact.names import ModelNames
from tests.monitoring.conftest import MODELS, Traffic
from tests.monitoring.metrics_page import added


def test_every_series_is_on_the_page_as_zero_before_the_first_request(traffic: Traffic) -> None:
    own = {name: value for name, value in traffic.fresh_page.items() if name.startswith("rcnn_")}
    assert own == dict.fromkeys(own, 0)
    assert own.keys() == {name for name in traffic.page if name.startswith("rcnn_")}


def test_each_builds_pictures_detections_and_refusals_add_up_over_requests_and_instances(
    traffic: Traffic,
) -> None:
    expected = {}
    for model, counts in traffic.counts.items():
        expected[f'rcnn_pictures_total{{model="{model}"}}'] = counts.pictures
        expected[f'rcnn_detections_total{{model="{model}"}}'] = counts.detections
        for reason, pictures in counts.refused.items():
            labels = f'{{model="{model}",reason="{reason}"}}'
            expected[f"rcnn_pictures_refused_total{labels}"] = pictures
    assert added(traffic.fresh_page, traffic.page) == expected


@pytest.mark.parametrize("model", MODELS)
def test_each_step_took_some_time_and_all_together_less_than_triton_saw(
    traffic: Traffic, model: str
) -> None:
    seconds = {
        step: traffic.page[f'rcnn_step_seconds_total{{model="{model}",step="{step}"}}']
        for step in ("decode", "resize", "boxes", "paste", "encode")
    }
    assert all(value > 0 for value in seconds.values())
    names = ModelNames(model)
    for name, steps in (
        (names.preprocess, ("decode", "resize")),
        (names.postprocess, ("boxes", "paste", "encode")),
    ):
        labels = f'{{model="{name}",version="1"}}'
        seen_us = traffic.page[f"nv_inference_compute_infer_duration_us{labels}"]
        assert sum(seconds[step] for step in steps) < seen_us / 1e6
