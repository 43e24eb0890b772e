"""A served stand-in for the model, a data set for it, and evaluations to which things happen."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.reliability.dataset import DEMO, PICTURES, write_dataset
from tests.reliability.evaluation import Evaluation
from tests.reliability.service import Service
from tests.reliability.stand_in import write_stand_in
from tests.reliability.trial import Trial

NETWORK_SECONDS = 0.02


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's pictures, twice over."""
    return write_dataset(tmp_path_factory.mktemp("dataset"), PICTURES)


@pytest.fixture(scope="session")
def pictures() -> list[bytes]:
    """The demo's pictures of the commonest size: all on one canvas, so that batches form."""
    images = json.loads((DEMO / "instances.json").read_text())["images"]
    return [
        (DEMO / "images" / image["file_name"]).read_bytes()
        for image in images
        if (image["width"], image["height"]) == (333, 251)
    ]


@pytest.fixture(scope="session")
def service(demo_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The stand-in, served; tests that end the server start it again."""
    folder = tmp_path_factory.mktemp("service")
    repository = write_stand_in(
        folder / "repository", demo_repository, "onnxruntime", NETWORK_SECONDS
    )
    service = Service(
        repository,
        folder,
        model_config_name="onnxruntime",
        options=["--model-control-mode=explicit", "--load-model=*"],
    )
    service.start()
    yield service
    service.stop()


@pytest.fixture(scope="session")
def undisturbed(service: Service, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of an evaluation to which nothing happened."""
    evaluation = Evaluation(dataset, service.grpc_url, tmp_path_factory.mktemp("undisturbed"))
    code, printed = evaluation.wait()
    assert code == 0, printed
    assert evaluation.finished() == PICTURES
    return evaluation.output


@pytest.fixture
def trial(
    service: Service,
    dataset: Path,
    undisturbed: Path,
    tmp_path: Path,
    reliability_row: Callable[..., None],
) -> Trial:
    return Trial(dataset, service.grpc_url, undisturbed, tmp_path, reliability_row)
