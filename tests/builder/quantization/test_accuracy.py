"""What fp16 and int8 cost, against what detectron2 found in fp32 with the same weights."""

from __future__ import annotations

import json
from typing import Any

import numpy.typing as npt
import pytest

from builder.network import ModelConfig, export_onnx, network_spec
from builder.quantization import Calibration, choose_layers
from client.coco.dataset import CocoDataset, load_dataset
from tests.builder.quantization.coco_accuracy import accuracy, detect
from tests.builder.quantization.conftest import CALIBRATED_ON, DEMO


@pytest.fixture(scope="module")
def other_pictures(tmp_path_factory: pytest.TempPathFactory) -> CocoDataset:
    """The demo's data set without the pictures that int8 was calibrated on."""
    data = json.loads((DEMO / "val" / "instances.json").read_text())
    data["images"] = sorted(data["images"], key=lambda image: image["file_name"])[CALIBRATED_ON:]
    ids = {image["id"] for image in data["images"]}
    data["annotations"] = [a for a in data["annotations"] if a["image_id"] in ids]
    annotations = tmp_path_factory.mktemp("other_pictures") / "instances.json"
    annotations.write_text(json.dumps(data))
    return load_dataset(DEMO / "val" / "images", annotations)


@pytest.fixture(scope="module")
def detectron2(other_pictures: CocoDataset) -> dict[str, float]:
    results = json.loads((DEMO / "detectron2_results.json").read_text())
    ids = {image.id for image in other_pictures.images}
    return accuracy(other_pictures, [r for r in results if r["image_id"] in ids])


@pytest.mark.long
def test_int8_is_within_1_ap_on_pictures_that_it_was_not_calibrated_on(
    demo_config: ModelConfig,
    demo_weights: dict[str, npt.NDArray[Any]],
    demo_calibration: Calibration,
    other_pictures: CocoDataset,
    detectron2: dict[str, float],
) -> None:
    assert len(other_pictures.images) == 48
    layers = choose_layers(network_spec(demo_config), None)
    ranges = {layer: demo_calibration.input_ranges[layer] for layer in layers}
    network = export_onnx(demo_config, demo_weights, "int8", ranges).SerializeToString()
    found = accuracy(other_pictures, detect(network, demo_config, other_pictures))
    assert found == pytest.approx(detectron2, abs=1.0)


@pytest.mark.long
def test_fp16_is_within_three_tenths_of_an_ap(
    demo_config: ModelConfig,
    demo_weights: dict[str, npt.NDArray[Any]],
    other_pictures: CocoDataset,
    detectron2: dict[str, float],
) -> None:
    network = export_onnx(demo_config, demo_weights, "fp16").SerializeToString()
    found = accuracy(other_pictures, detect(network, demo_config, other_pictures))
    assert found == pytest.approx(detectron2, abs=0.3)
