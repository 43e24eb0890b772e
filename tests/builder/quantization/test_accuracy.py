"""What fp16 and int8 cost, against what detectron2 found in fp32 with the same weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt
import pytest

from builder.network import ModelConfig, export_onnx, network_spec
from builder.quantization import Calibration, choose_layers, obtain_calibration
from client.coco.dataset import CocoDataset, load_dataset
from tests.builder.network.trained_models import TRAINED_MODELS
from tests.builder.quantization.coco_accuracy import accuracy, detect
from tests.builder.quantization.conftest import DEMO

CALIBRATED_ON = 16
ANNOTATIONS = DEMO / "val" / "instances.json"
PICTURES = DEMO / "val" / "images"


@pytest.fixture(scope="module")
def other_pictures(tmp_path_factory: pytest.TempPathFactory) -> CocoDataset:
    """The demo's data set without the pictures that int8 was calibrated on."""
    data = json.loads(ANNOTATIONS.read_text())
    data["images"] = sorted(data["images"], key=lambda image: image["file_name"])[CALIBRATED_ON:]
    ids = {image["id"] for image in data["images"]}
    data["annotations"] = [a for a in data["annotations"] if a["image_id"] in ids]
    annotations = tmp_path_factory.mktemp("other_pictures") / "instances.json"
    annotations.write_text(json.dumps(data))
    return load_dataset(PICTURES, annotations)


@dataclass(frozen=True)
class Demo:
    """A model of the demo, and how far its AP may be from detectron2's."""

    config: ModelConfig
    weights: dict[str, npt.NDArray[Any]]
    results: Path
    """What detectron2 found."""
    fp16_within: float
    int8_within: float

    def detectron2(self, dataset: CocoDataset) -> dict[str, float]:
        """detectron2's AP on some of the pictures."""
        ids = {image.id for image in dataset.images}
        results = json.loads(self.results.read_text())
        return accuracy(dataset, [each for each in results if each["image_id"] in ids])


RESULTS = {
    "C4": (DEMO / "mask_rcnn_R_50_C4_shapes.results.json", 0.3, 1.0),
    "FPN": (DEMO / "mask_rcnn_R_50_FPN_shapes.results.json", 0.1, 0.5),
}


@pytest.fixture(scope="module", params=RESULTS)
def demo(request: pytest.FixtureRequest) -> Demo:
    config, weights = TRAINED_MODELS[request.param].load()
    return Demo(config, weights, *RESULTS[request.param])


@pytest.fixture(scope="module")
def calibration(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Calibration:
    folder = tmp_path_factory.mktemp("pictures")
    for picture in sorted(PICTURES.glob("*.jpg"))[:CALIBRATED_ON]:
        (folder / picture.name).symlink_to(picture)
    return obtain_calibration(folder, demo.config, demo.weights, lambda line: None)


@pytest.mark.long
def test_int8_is_near_detectron2_on_pictures_that_it_was_not_calibrated_on(
    demo: Demo, calibration: Calibration, other_pictures: CocoDataset
) -> None:
    assert len(other_pictures.images) == 48
    layers = choose_layers(network_spec(demo.config), None)
    ranges = {layer: calibration.input_ranges[layer] for layer in layers}
    network = export_onnx(demo.config, demo.weights, "int8", ranges).SerializeToString()
    found = accuracy(other_pictures, detect(network, demo.config, other_pictures))
    assert found == pytest.approx(demo.detectron2(other_pictures), abs=demo.int8_within)


@pytest.mark.long
def test_fp16_is_near_detectron2(demo: Demo, other_pictures: CocoDataset) -> None:
    network = export_onnx(demo.config, demo.weights, "fp16").SerializeToString()
    found = accuracy(other_pictures, detect(network, demo.config, other_pictures))
    assert found == pytest.approx(demo.detectron2(other_pictures), abs=demo.fp16_within)


@pytest.mark.long
@pytest.mark.parametrize(("precision", "within"), [("fp32", 0.005), ("fp16", 0.2)])
@pytest.mark.parametrize("model", TRAINED_MODELS)
def test_each_family_has_the_average_precision_that_detectron2_has(
    model: str, precision: str, within: float
) -> None:
    trained = TRAINED_MODELS[model]
    config, weights = trained.load()
    dataset = load_dataset(PICTURES, ANNOTATIONS)
    network = export_onnx(config, weights, precision).SerializeToString()
    found = accuracy(dataset, detect(network, config, dataset))
    reference = json.loads(trained.metrics.read_text())
    expected = {task: values["AP"] for task, values in reference.items() if task in found}
    assert found == pytest.approx(expected, abs=within)
