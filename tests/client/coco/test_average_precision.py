"""Average precision against detectron2's own figures, and on results that are easy to get wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from client.coco.average_precision import evaluate_results
from client.coco.dataset import CocoDataset, load_dataset
from client.coco.result_format import CocoResult
from client.errors import ClientError
from tests.client.conftest import wait_until

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
    for annotation in dataset.ground_truth.content["annotations"]:
        annotation["area"] = 10.0

    metrics = evaluate_results(dataset.ground_truth, detectron2_results, "bbox")

    assert metrics.values["APl"] is None
    assert "= -1.000" in metrics.table


def test_each_category_of_a_name_has_its_figure_by_its_id(
    dataset: CocoDataset, detectron2_results: list[CocoResult]
) -> None:
    before = evaluate_results(dataset.ground_truth, detectron2_results, "bbox").values
    dataset.ground_truth.content["categories"].append({"id": 99, "name": "triangle"})

    values = evaluate_results(dataset.ground_truth, detectron2_results, "bbox").values

    assert values["AP-triangle (id 3)"] == before["AP-triangle"] is not None
    assert values["AP-triangle (id 99)"] is None
    assert "AP-triangle" not in values
    assert values["AP-star"] == before["AP-star"]


def with_segmentation(dataset: CocoDataset, segmentation: object) -> CocoDataset:
    """What the check of annotations would have refused."""
    for annotation in dataset.ground_truth.content["annotations"]:
        annotation["segmentation"] = segmentation
    return dataset


@pytest.mark.parametrize(
    ("segmentation", "reason"),
    [
        ({"size": [0, 0], "counts": "11"}, "it died of SIGFPE"),
        ({"size": [251, 333], "counts": None}, "TypeError: expected bytes, NoneType found"),
    ],
)
def test_a_failure_of_pycocotools_is_told_with_the_file(
    dataset: CocoDataset,
    detectron2_results: list[CocoResult],
    segmentation: object,
    reason: str,
) -> None:
    faulty = with_segmentation(dataset, segmentation)

    with pytest.raises(ClientError, match=rf"cannot evaluate segm on .*instances\.json: {reason}"):
        evaluate_results(faulty.ground_truth, detectron2_results, "segm")


def test_detections_of_which_some_have_no_mask_are_refused(
    dataset: CocoDataset, detectron2_results: list[CocoResult]
) -> None:
    results = [dict(result) for result in detectron2_results]
    del results[7]["segmentation"]

    with pytest.raises(ClientError, match=r"1 detections, the first in image 1, have no segm"):
        evaluate_results(dataset.ground_truth, results, "segm")


COMPUTE_FOR_EVER = """
import json
from pathlib import Path
from client.coco.average_precision import evaluate_results
from client.coco.dataset import load_annotations

dataset = load_annotations(Path("demo/val/instances.json"), Path())
for annotation in dataset.ground_truth.content["annotations"]:
    size = annotation["segmentation"]["size"]
    annotation["segmentation"] = {"size": size, "counts": [0, size[0] * size[1] + 1]}
results = json.loads(Path("demo/mask_rcnn_R_50_C4_shapes.results.json").read_text())
evaluate_results(dataset.ground_truth, results, "segm")
"""


def test_ctrl_c_ends_a_computation_of_pycocotools_that_never_would() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", COMPUTE_FOR_EVER],
        cwd=DEMO.parent,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    wait_until(lambda: any(seconds_of(child) > 1 for child in children.read_text().split()))

    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)

    assert errors.endswith("KeyboardInterrupt\n")
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def seconds_of(process: str) -> float:
    """Of a core."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) / os.sysconf("SC_CLK_TCK")


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
