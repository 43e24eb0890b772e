"""A served stand-in for the model, a data set for it, and the results of an undisturbed run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.repository.models import NETWORK
from tests.reliability.evaluation import Evaluation
from tests.reliability.service import ROOT, Service

DEMO = ROOT / "demo" / "val"
PICTURES = 128
NETWORK_SECONDS = 0.02


def write_stand_in(folder: Path, repository: Path, model_config_name: str, seconds: float) -> Path:
    """A copy of a repository whose network is that of network/model.py, on the CPU.

    Its instances, batcher and queue policy are those of `model_config_name`.

    Args:
        seconds: what a batch takes, of any size.
    """
    shutil.copytree(repository, folder, ignore=shutil.ignore_patterns("model.onnx"))
    shutil.copy(Path(__file__).with_name("network") / "model.py", folder / NETWORK / "1")
    config = folder / NETWORK / "configs" / f"{model_config_name}.pbtxt"
    text = config.read_text().replace("KIND_GPU", "KIND_CPU")
    config.write_text(
        f'{text}parameters {{ key: "seconds" value: {{ string_value: "{seconds}" }} }}\n'
    )
    return folder


def write_dataset(folder: Path, pictures: int) -> Path:
    """A COCO data set of so many pictures, the demo's in turn, in `folder`."""
    (folder / "images").symlink_to(DEMO / "images")
    content = json.loads((DEMO / "instances.json").read_text())
    images = content["images"]
    content["images"] = [
        {**images[number % len(images)], "id": number} for number in range(pictures)
    ]
    (folder / "instances.json").write_text(json.dumps(content))
    return folder


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
