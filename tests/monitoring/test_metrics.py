"""The project's own counters, on a live server with two instances of each python model."""

from __future__ import annotations

from tests.monitoring.conftest import Traffic
from tests.monitoring.metrics_page import added


def test_every_series_is_on_the_page_as_zero_before_the_first_request(traffic: Traffic) -> None:
    own = {name: value for name, value in traffic.fresh_page.items() if name.startswith("mask_")}
    assert own == dict.fromkeys(own, 0)
    assert own.keys() == {name for name in traffic.page if name.startswith("mask_")}


def test_pictures_detections_and_refusals_add_up_over_requests_and_instances(
    traffic: Traffic,
) -> None:
    assert added(traffic.fresh_page, traffic.page) == {
        "mask_rcnn_pictures_total": traffic.pictures,
        "mask_rcnn_detections_total": traffic.detections,
        **{
            f'mask_rcnn_pictures_refused_total{{reason="{reason}"}}': pictures
            for reason, pictures in traffic.refused.items()
        },
    }


def test_each_step_took_some_time_and_all_together_less_than_triton_saw(traffic: Traffic) -> None:
    seconds = {
        step: traffic.page[f'mask_rcnn_step_seconds_total{{step="{step}"}}']
        for step in ("decode", "resize", "boxes", "paste", "encode")
    }
    assert all(value > 0 for value in seconds.values())
    for model, steps in (
        ("mask_rcnn_preprocess", ("decode", "resize")),
        ("mask_rcnn_postprocess", ("boxes", "paste", "encode")),
    ):
        labels = f'{{model="{model}",version="1"}}'
        seen_us = traffic.page[f"nv_inference_compute_infer_duration_us{labels}"]
        assert sum(seconds[step] for step in steps) < seen_us / 1e6
