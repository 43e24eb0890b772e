"""Models of all families on one server, each with the average precision that detectron2 has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from client.connection.settings import Connection
from client.evaluate import evaluate
from client.result_files import COCO_RESULTS
from server.launch import TritonServer
from tests.builder.network.graph_pieces import Arrays
from tests.builder.network.trained_models import TRAINED_MODELS
from tests.demo_build import DEMO, build_files


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    repository = tmp_path_factory.mktemp("families") / "repository"
    for name, trained in TRAINED_MODELS.items():
        build_files(repository, trained.config, trained.weights, "--name", name)
    with TritonServer(repository, model_config_name="onnxruntime", exit_timeout_secs=0) as server:
        yield server


@pytest.mark.long
@pytest.mark.parametrize("name", TRAINED_MODELS)
def test_each_has_the_average_precision_that_detectron2_has(
    server: TritonServer, name: str, tmp_path: Path
) -> None:
    summary = evaluate(
        DEMO / "val" / "images",
        DEMO / "val" / "instances.json",
        Connection(server.grpc_url, model=name),
        output=tmp_path,
    )
    reference = json.loads(TRAINED_MODELS[name].metrics.read_text())
    for task in ("bbox", "segm"):
        for metric in ("AP", "AP50", "AP75"):
            found = summary.metrics[task].values[metric]
            assert found == pytest.approx(reference[task][metric], abs=0.005), metric
    if (detections := TRAINED_MODELS[name].goldens / "detectron2_detections.npz").exists():
        answers = json.loads((tmp_path / COCO_RESULTS).read_text())
        assert_same_detections(answers, dict(np.load(detections)))


def assert_same_detections(answers: list[dict[str, Any]], golden: Arrays) -> None:
    """Every detection of every picture, in the same order."""
    assert [each["image_id"] for each in answers] == golden["image_ids"].tolist()
    assert [each["category_id"] for each in answers] == golden["category_ids"].tolist()
    boxes, scores = ([each[key] for each in answers] for key in ("bbox", "score"))
    np.testing.assert_allclose(boxes, golden["boxes"], atol=2e-3)
    np.testing.assert_allclose(scores, golden["scores"], atol=1e-5)
