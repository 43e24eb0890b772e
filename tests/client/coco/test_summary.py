"""What is printed and written at the end."""

from __future__ import annotations

import dataclasses
import json

from client.coco.metrics import Metrics
from client.coco.summary import Failure, Summary
from client.latency import Latency

COMPLETE = Summary(
    metrics={
        "bbox": Metrics("bbox", {"AP": 80.3482, "AP50": 91.8962, "AP-ring": None}, "box table"),
        "segm": Metrics("segm", {"AP": 72.2021, "AP50": None}, "mask table"),
    },
    images=64,
    resumed=10,
    detections=723,
    failures=(),
    seconds=4.0,
    images_per_second=13.5,
    latency_ms=Latency(20.0, 19.0, 22.0, 23.0, 24.0),
    concurrency=16,
    setting={"url": "127.0.0.1:8001"},
)
INCOMPLETE = dataclasses.replace(
    COMPLETE, failures=tuple(Failure(i, f"{i}.jpg", "too dark") for i in range(30))
)


def test_the_last_line_has_the_four_figures_that_are_compared() -> None:
    assert str(COMPLETE).splitlines()[-1] == "box AP 80.35, AP50 91.90; mask AP 72.20, AP50 none"


def test_tables_throughput_and_latency_are_printed() -> None:
    lines = str(COMPLETE).splitlines()

    assert lines[:2] == ["bbox:", "box table"]
    assert "throughput: 13.50 images/s (4.0 s)" in lines
    assert any("p99 24.0 ms at concurrency 16" in line for line in lines)
    assert "64 pictures, 10 of them from the run before, 723 detections" in lines


def test_an_incomplete_run_says_so_wherever_a_figure_is() -> None:
    lines = str(INCOMPLETE).splitlines()

    assert lines[-1].startswith("INCOMPLETE, 34 of 64 pictures: box AP")
    assert "bbox, INCOMPLETE:" in lines
    assert "30 of 64 pictures have no result:" in lines
    assert "  19.jpg: too dark" in lines
    assert "  and 10 more, all in summary.json" in lines
    assert INCOMPLETE.to_json()["complete"] is False
    assert len(INCOMPLETE.to_json()["failures"]) == 30


def test_the_json_has_detectron2s_names_and_null_for_no_value() -> None:
    content = json.loads(json.dumps(COMPLETE.to_json()))

    assert content["bbox"] == {"AP": 80.3482, "AP50": 91.8962, "AP-ring": None}
    assert content["latency_ms"]["p95"] == 23
    assert content["url"] == "127.0.0.1:8001"
