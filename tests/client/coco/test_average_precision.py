"""Average precision against detectron2's own figures, and on results that are easy to get wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from client.coco.average_precision import evaluate_results
from client.coco.dataset import CocoDataset, CocoResult, load_dataset

DEMO = Path(__file__).parents[3] / "demo"


@pytest.fixture
def dataset() -> CocoDataset:
    return load_dataset(DEMO / "val" / "images", DEMO / "val" / "instances.json")


@pytest.fixture(scope="module")
def detectron2_results() -> list[CocoResult]:
    return json.loads((DEMO / "mask_rcnn_R_50_C4_shapes.results.json").read_text())


@pytest.mark.parametrize("iou_type", ["bbox", "segm"])
def test_detectron2_results_give_the_metrics_that_detectron2_computed(
    dataset: CocoDataset, detectron2_results: list[CocoResult], iou_type: str
) -> None:
    expected = json.loads((DEMO / "mask_rcnn_R_50_C4_shapes.metrics.json").read_text())[iou_type]

    metrics = evaluate_results(dataset.ground_truth, detectron2_results, iou_type)

    assert metrics.values == pytest.approx(expected, abs=5e-5, rel=0)
    assert all("bbox" in result for result in detectron2_results), "the results were changed"


def test_the_table_is_the_twelve_lines_of_pycocotools(
    dataset: CocoDataset, detectron2_results: list[CocoResult]
) -> None:
    metrics = evaluate_results(dataset.ground_truth, detectron2_results, "bbox")

    lines = metrics.table.splitlines()
    assert len(lines) == 12
    assert lines[0] == (
        " Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.803"
    )
    assert lines[11].startswith(" Average Recall     (AR) @[ IoU=0.50:0.95 | area= large")


@pytest.mark.parametrize("iou_type", ["bbox", "segm"])
def test_no_detections_at_all_are_an_average_precision_of_zero(
    dataset: CocoDataset, iou_type: str
) -> None:
    metrics = evaluate_results(dataset.ground_truth, [], iou_type)

    assert metrics.values["AP"] == 0


def test_a_size_that_no_object_has_gives_no_value(
    dataset: CocoDataset, detectron2_results: list[CocoResult]
) -> None:
    for annotation in dataset.ground_truth.dataset["annotations"]:
        annotation["area"] = 10.0

    metrics = evaluate_results(dataset.ground_truth, detectron2_results, "bbox")

    assert metrics.values["APl"] is None
    assert "= -1.000" in metrics.table


def test_annotation_id_zero_can_be_matched(tmp_path: Path) -> None:
    annotation = {"id": 0, "image_id": 1, "category_id": 1, "bbox": [10, 10, 50, 40], "area": 2000}
    content = {
        "images": [{"id": 1, "file_name": "000000.jpg", "width": 333, "height": 251}],
        "annotations": [annotation],
        "categories": [{"id": 1, "name": "circle"}],
    }
    file = tmp_path / "instances.json"
    file.write_text(json.dumps(content))
    ground_truth = load_dataset(DEMO / "val" / "images", file).ground_truth
    found = {"image_id": 1, "category_id": 1, "bbox": [10.0, 10.0, 50.0, 40.0], "score": 0.9}

    assert evaluate_results(ground_truth, [found], "bbox").values["AP"] == pytest.approx(100)
