"""A Keypoint R-CNN from a configuration to points, their average precision, and skeletons."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from artifact.manifest import MANIFEST, read_manifest
from artifact.names import ModelNames
from builder.__main__ import main as builder
from client.coco.shard import Shard
from client.connection.settings import Connection
from client.evaluate import evaluate
from client.merge import merge
from client.predict import predict
from client.result_files import COCO_RESULTS
from server.launch import TritonServer
from tests.builder.network.graph_pieces import Arrays
from tests.builder.network.trained_models import DEMO, GOLDENS
from tests.builder.network.variants.table import VARIANTS, Variant

PICTURES = 8
"""Of the demo; in one of them there is nothing."""

SIGMAS = [0.05, 0.06, 0.07, 0.08, 0.1]
CATEGORIES = [
    {
        "id": 4,
        "name": "circle",
        "keypoints": ["top", "left", "right", "bottom", "middle"],
        "skeleton": [[1, 5], [5, 4], [2, 3]],
    }
]


@pytest.fixture(scope="module")
def goldens() -> Arrays:
    return dict(np.load(GOLDENS / "keypoints.npz"))


@pytest.fixture(scope="module")
def annotation_file(goldens: Arrays, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What detectron2 found, a little off, and some points not labeled."""
    rng = np.random.default_rng(5)
    names = [f"{number:06}.jpg" for number in range(PICTURES)]
    images: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for number, name in enumerate(names):
        width, height = Image.open(DEMO / "val/images" / name).size
        images.append({"id": number, "file_name": name, "width": width, "height": height})
        for box, points in zip(
            *(goldens[f"served.{number}.{key}"] for key in ("boxes", "keypoints")), strict=True
        ):
            xywh = np.concatenate([box[:2], box[2:] - box[:2]]).tolist()
            area = xywh[2] * xywh[3]
            labeled = rng.integers(0, 3, len(points))
            off = rng.normal(0, 0.1 * np.sqrt(area), (len(points), 2))
            places = np.where(labeled[:, None] > 0, points[:, :2] - 0.5 + off, 0)
            found.append(
                {
                    "id": len(found) + 1,
                    "image_id": number,
                    "category_id": 4,
                    "bbox": xywh,
                    "area": area,
                    "iscrowd": 0,
                    "num_keypoints": int((labeled > 0).sum()),
                    "keypoints": np.concatenate([places, labeled[:, None]], 1).ravel().tolist(),
                }
            )
    path = tmp_path_factory.mktemp("annotations") / "keypoints.json"
    content = {"images": images, "annotations": found, "categories": CATEGORIES}
    path.write_text(json.dumps(content))
    return path


@pytest.fixture(scope="module")
def repository(annotation_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keypoints")
    variant = VARIANTS["keypoints-and-masks"]
    settings = {**variant.settings, "TEST.KEYPOINT_OKS_SIGMAS": SIGMAS}
    config, weights = Variant(variant.model, settings, variant.surgeries).write(folder)
    options = ["--config", config, "--weights", weights, "--categories", annotation_file]
    assert builder(["build", *map(str, [*options, "--repository", folder / "repository"])]) == 0
    return folder / "repository"


@pytest.fixture(scope="module")
def server(repository: Path) -> Iterator[TritonServer]:
    with TritonServer(repository, model_config_name="onnxruntime", exit_timeout_secs=0) as server:
        yield server


def test_the_manifest_names_the_model_and_its_outputs(repository: Path) -> None:
    manifest = read_manifest(repository / ModelNames().network_folder / MANIFEST)
    assert manifest.model == "Keypoint R-CNN R50-FPN"
    outputs = {tensor.name: tensor.shape for tensor in manifest.outputs}
    assert outputs["keypoint_logits"] == (-1, 100, 5, 28, 28)
    assert outputs["mask_probs"] == (-1, 100, 28, 28)
    assert manifest.configuration["MODEL.ROI_KEYPOINT_HEAD.NUM_KEYPOINTS"] == 5


def test_points_and_their_average_precision_are_detectron2s(
    server: TritonServer, annotation_file: Path, goldens: Arrays, tmp_path: Path
) -> None:
    summary = evaluate(
        DEMO / "val/images", annotation_file, Connection(server.grpc_url), output=tmp_path
    )

    answers = json.loads((tmp_path / COCO_RESULTS).read_text())
    expected = detectron2s_results(goldens)
    assert [each["image_id"] for each in answers] == [each["image_id"] for each in expected]
    points, golden_points = (
        np.array([each["keypoints"] for each in results]).reshape(-1, 5, 3)
        for results in (answers, expected)
    )
    np.testing.assert_allclose(points[..., :2], golden_points[..., :2], atol=0.01)
    np.testing.assert_allclose(points[..., 2], golden_points[..., 2], atol=1e-4)
    assert all("segmentation" in each for each in answers)

    truth = COCO(str(annotation_file))
    evaluation = COCOeval(truth, truth.loadRes(expected), "keypoints")
    evaluation.params.kpt_oks_sigmas = np.array(SIGMAS)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    figures = summary.metrics["keypoints"].values
    assert [figures[name] for name in ("AP", "AP50", "AP75", "APm")] == pytest.approx(
        100 * evaluation.stats[[0, 1, 2, 3]], abs=1e-6
    )
    assert 5 < evaluation.stats[0] * 100 < 95
    assert str(summary).endswith(f"keypoint AP {figures['AP']:.2f}, AP50 {figures['AP50']:.2f}")
    assert summary.notes == (
        f"masks are not evaluated: no annotation in {annotation_file} has a segmentation",
    )


def test_shards_make_the_same_average_precision(
    server: TritonServer, annotation_file: Path, tmp_path: Path
) -> None:
    connection, pictures = Connection(server.grpc_url), DEMO / "val/images"
    whole = evaluate(pictures, annotation_file, connection, output=tmp_path / "whole")
    shards = [tmp_path / "1", tmp_path / "2"]
    for number, folder in enumerate(shards, 1):
        shard = Shard(number, len(shards))
        evaluate(pictures, annotation_file, connection, output=folder, shard=shard)
    merged = merge(shards, output=tmp_path / "merged")
    assert merged.metrics["keypoints"] == whole.metrics["keypoints"]
    assert merged.notes == whole.notes


def detectron2s_results(goldens: Arrays) -> list[dict[str, Any]]:
    """As its evaluator writes them."""
    results = []
    for number in range(PICTURES):
        boxes, scores, keypoints = (
            goldens[f"served.{number}.{key}"] for key in ("boxes", "scores", "keypoints")
        )
        for box, score, points in zip(boxes, scores, keypoints, strict=True):
            results.append(
                {
                    "image_id": number,
                    "category_id": 4,
                    "bbox": [*box[:2].tolist(), *(box[2:] - box[:2]).tolist()],
                    "score": float(score),
                    "keypoints": (points - np.array([0.5, 0.5, 0], np.float32)).ravel().tolist(),
                }
            )
    return results


def test_predictions_have_named_points(
    server: TritonServer, goldens: Arrays, tmp_path: Path
) -> None:
    connection = Connection(server.grpc_url)
    predictions = predict(
        [DEMO / "val/images/000005.jpg"], connection, output=tmp_path, score_threshold=0.05
    )
    [entry] = predictions.entries
    points = goldens["served.5.keypoints"]
    assert len(entry["detections"]) == len(points)
    for found, expected in zip(entry["detections"], points, strict=True):
        names, *places = zip(
            *((each["name"], each["x"], each["y"]) for each in found["keypoints"]), strict=True
        )
        assert list(names) == CATEGORIES[0]["keypoints"]
        np.testing.assert_allclose(np.transpose(places), expected[:, :2], atol=0.01)
    assert (tmp_path / entry["drawn"]).exists()
