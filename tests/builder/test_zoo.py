"""Models of detectron2's zoo, from their settings to a repository that could be served."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from artifact.names import ModelNames
from builder.__main__ import main as builder
from builder.errors import BuildError
from builder.network import load_config, network_spec
from builder.repository.canvases import canvases
from tests.generated_weights import write_generated_weights
from tests.zoo import REFUSED, ZOO, write_settings

PYRAMID_OF_50, MASKS = "Mask R-CNN R50-FPN", 28


@pytest.mark.parametrize(
    ("name", "title", "parameters"),
    [
        ("COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x", PYRAMID_OF_50, 44_369_776),
        ("COCO-InstanceSegmentation/mask_rcnn_R_101_FPN_3x", "Mask R-CNN R101-FPN", 63_335_792),
        (
            "COCO-InstanceSegmentation/mask_rcnn_X_101_32x8d_FPN_3x",
            "Mask R-CNN X101-32x8d-FPN",
            107_529_200,
        ),
        ("COCO-InstanceSegmentation/mask_rcnn_R_50_DC5_3x", "Mask R-CNN R50-DC5", 172_380_076),
        ("LVISv1-InstanceSegmentation/mask_rcnn_R_50_FPN_1x", PYRAMID_OF_50, 50_413_762),
        ("Cityscapes/mask_rcnn_R_50_FPN", PYRAMID_OF_50, 43_982_272),
        ("PascalVOC-Detection/faster_rcnn_R_50_FPN", "Faster R-CNN R50-FPN", 41_418_996),
        ("Misc/mask_rcnn_R_50_FPN_1x_cls_agnostic", PYRAMID_OF_50, 44_025_573),
        ("Misc/mask_rcnn_R_50_FPN_3x_syncbn", PYRAMID_OF_50, 45_680_496),
        ("COCO-Keypoints/keypoint_rcnn_R_50_FPN_3x", "Keypoint R-CNN R50-FPN", 59_159_718),
        ("Misc/cascade_mask_rcnn_R_50_FPN_3x", "Cascade Mask R-CNN R50-FPN", 72_011_486),
    ],
)
def test_the_zoos_networks_have_the_parameters_that_detectron2_gives_them(
    tmp_path: Path, name: str, title: str, parameters: int
) -> None:
    """The numbers were counted in detectron2's own models, of each norm the bias alone."""
    config = load_config(write_settings(tmp_path / "config.yaml", ZOO[name]))
    assert config.model.title == title
    shapes = network_spec(config).parameters.shapes.values()
    assert sum(math.prod(shape) for shape in shapes) == parameters


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_built_is_named(tmp_path: Path, name: str) -> None:
    settings, refused = REFUSED[name]
    with pytest.raises(BuildError) as refusal:
        load_config(write_settings(tmp_path / "config.yaml", settings))
    assert f"{refused} is {settings[refused]!r}; supported: " in str(refusal.value)


@pytest.mark.long
@pytest.mark.parametrize("name", ZOO)
def test_the_zoos_models_are_built(tmp_path: Path, name: str) -> None:
    config_path = write_settings(tmp_path / "config.yaml", ZOO[name])
    config = load_config(config_path)
    num_classes = config.model.num_classes
    categories = tmp_path / "names.txt"
    categories.write_text("".join(f"class {number}\n" for number in range(num_classes)))
    weights = write_generated_weights(tmp_path / "model_final.pkl", config)
    repository = tmp_path / "repository"
    options = ["--config", config_path, "--weights", weights, "--categories", categories]
    options += ["--precision", "fp16", "--repository", repository]
    assert builder(["build", *map(str, options)]) == 0

    network = repository / ModelNames().network
    preprocess = (repository / ModelNames().preprocess / "config.pbtxt").read_text()
    for height, width in canvases(config):
        assert (height % 32, width % 32) == (0, 0)
        assert f"{height}x{width}" in preprocess
    session = ort.InferenceSession(network / "1" / "model.onnx", providers=["CPUExecutionProvider"])
    picture = np.random.default_rng(0).integers(0, 256, (1, 256, 320, 3), np.uint8)
    outputs = [output.name for output in session.get_outputs()]
    image_size = np.array([[240, 310]], np.int32)
    found = dict(
        zip(
            outputs,
            session.run(outputs, {"canvas": picture, "image_size": image_size}),
            strict=True,
        )
    )
    places = 300 if num_classes == 1203 else 100
    assert found["boxes"].shape == (1, places, 4)
    assert found["num_detections"].item() > 0
    assert np.all(found["classes"] < num_classes)
    assert ("mask_probs" in found) == ("mask_rcnn" in name)
    if "mask_probs" in found:
        assert found["mask_probs"].shape == (1, places, MASKS, MASKS)
    assert ("keypoint_logits" in found) == ("keypoint_rcnn" in name)
    if "keypoint_logits" in found:
        assert found["keypoint_logits"].shape == (1, places, 17, 28, 28)
        assert np.isfinite(found["keypoint_normalizers"]).all()
    manifest = json.loads((network / "1" / "manifest.json").read_text())
    assert manifest["num_classes"] == num_classes


def test_cityscapes_has_canvases_of_its_own(tmp_path: Path) -> None:
    settings = ZOO["Cityscapes/mask_rcnn_R_50_FPN"]
    config = load_config(write_settings(tmp_path / "config.yaml", settings))
    assert canvases(config) == ((1024, 2048), (2048, 1024), (2048, 2048))
