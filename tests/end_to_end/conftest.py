"""What a user brings: a checkpoint of the model zoo, and COCO 2017; and a Faster R-CNN, served."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.network import load_config
from builder.repository.categories import COCO_CATEGORIES
from server.launch import TritonServer
from tests.demo_build import build_faster_demo
from tests.generated_weights import write_generated_weights

CONFIGS = Path(__file__).parents[1] / "configs"
DEMO_VAL = Path(__file__).parents[2] / "demo" / "val"
ANNOTATED, NOT_ANNOTATED = "000000.jpg", "000001.jpg"

SMALL_PICTURES = {
    "INPUT.MIN_SIZE_TEST": 128,
    "INPUT.MAX_SIZE_TEST": 224,
    "MODEL.RPN.POST_NMS_TOPK_TEST": 100,
}
"""Settings with which a checkpoint of full size needs a second of two CPU cores for a picture, not
a quarter of a minute; its weights are the same."""


@pytest.fixture(scope="session")
def r50_c4_config() -> Path:
    """The zoo's configuration of Mask R-CNN R50-C4."""
    return CONFIGS / "COCO-InstanceSegmentation" / "mask_rcnn_R_50_C4_1x.yaml"


@pytest.fixture(scope="session")
def r50_c4_weights(r50_c4_config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated weights for it, of full size."""
    path = tmp_path_factory.mktemp("model_zoo") / "model_final_generated.pkl"
    return write_generated_weights(path, load_config(r50_c4_config))


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """A folder as COCO 2017's, with two of the demo's pictures; only the first is annotated.

    The demo's category ids are also ids of COCO's, so its annotations can stay as they are.
    """
    demo = json.loads((DEMO_VAL / "instances.json").read_text())
    images = [i for i in demo["images"] if i["file_name"] in (ANNOTATED, NOT_ANNOTATED)]
    ids = {image["file_name"]: image["id"] for image in images}
    annotations = [a for a in demo["annotations"] if a["image_id"] == ids[ANNOTATED]]
    assert annotations
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": c.id, "name": c.name} for c in COCO_CATEGORIES],
    }
    folder = tmp_path / "coco"
    (folder / "val2017").mkdir(parents=True)
    for name in ids:
        shutil.copy(DEMO_VAL / "images" / name, folder / "val2017")
    (folder / "annotations").mkdir()
    (folder / "annotations" / "instances_val2017.json").write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="session")
def faster_demo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    """The demo's model without its mask head."""
    folder = tmp_path_factory.mktemp("faster_demo")
    repository = build_faster_demo(folder / "repository", folder)
    with TritonServer(repository, model_config_name="onnxruntime", exit_timeout_secs=0) as server:
        yield server
