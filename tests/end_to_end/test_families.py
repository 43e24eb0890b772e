"""Models of all families on one server, each with the average precision that detectron2 has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.connection.settings import Connection
from client.evaluate import evaluate
from server.launch import TritonServer
from tests.builder.network.trained_models import TRAINED_MODELS
from tests.demo_build import DEMO, build_trained


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    repository = tmp_path_factory.mktemp("families") / "repository"
    for name, trained in TRAINED_MODELS.items():
        build_trained(repository, trained.name, "--name", name)
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
