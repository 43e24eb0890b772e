from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
from PIL import Image

from artifact.names import ONNX, ModelNames
from perf.__main__ import main
from perf.studies.full_size_demo import TIMES, Arrays, checkpoint, widen, write_pictures

ROOT = Path(__file__).parents[3]

Array = npt.NDArray[np.floating]


@pytest.fixture(scope="module")
def demo() -> Arrays:
    with checkpoint("C4").open("rb") as file:
        model: Arrays = pickle.load(file, encoding="latin1")["model"]
    return model


@pytest.fixture(scope="module")
def wide(demo: Arrays) -> Arrays:
    return widen(demo)


def features(name: str, weights: Arrays) -> Array:
    """Random ones for each channel that the layer reads."""
    channels = weights[f"{name}.weight"].shape[0 if "deconv" in name else 1]
    return np.random.default_rng(0).standard_normal(channels)


def computed(name: str, weights: Arrays, features: Array) -> Array:
    """What the layer makes of features that are the same at every place."""
    weight = np.asarray(weights[f"{name}.weight"], np.float64)
    weight = weight.sum(axis=tuple(range(2, weight.ndim)))
    result = features @ weight if "deconv" in name else weight @ features
    return result + weights.get(f"{name}.bias", 0.0)


def test_the_first_layer_reads_three_colours_and_writes_each_channel_four_times(
    demo: Arrays, wide: Arrays
) -> None:
    name = "backbone.stem.conv1"
    colours = features(name, demo)
    assert len(colours) == 3
    expected = np.repeat(computed(name, demo, colours), TIMES)
    np.testing.assert_allclose(computed(name, wide, colours), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "name",
    [
        "backbone.res2.0.conv2",
        "backbone.res4.5.conv3",
        "proposal_generator.rpn_head.conv",
        "roi_heads.res5.0.shortcut",
        "roi_heads.mask_head.deconv",
    ],
)
def test_a_layer_between_writes_what_it_wrote_four_times(
    name: str, demo: Arrays, wide: Arrays
) -> None:
    narrow = features(name, demo)
    expected = np.repeat(computed(name, demo, narrow), TIMES)
    found = computed(name, wide, np.repeat(narrow, TIMES))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "classes_and_more"),
    [
        ("proposal_generator.rpn_head.objectness_logits", None),
        ("proposal_generator.rpn_head.anchor_deltas", None),
        ("roi_heads.box_predictor.bbox_pred", 320),
        ("roi_heads.mask_head.predictor", 80),
    ],
)
def test_a_predictor_predicts_what_it_predicted_and_nothing_for_further_classes(
    name: str, classes_and_more: int | None, demo: Arrays, wide: Arrays
) -> None:
    narrow = features(name, demo)
    expected = computed(name, demo, narrow)
    found = computed(name, wide, np.repeat(narrow, TIMES))
    assert len(found) == (classes_and_more or len(expected))
    np.testing.assert_allclose(found[: len(expected)], expected, rtol=1e-4, atol=1e-4)
    assert not found[len(expected) :].any()


def test_further_classes_get_no_probability_and_the_background_stays_last(
    demo: Arrays, wide: Arrays
) -> None:
    name = "roi_heads.box_predictor.cls_score"
    narrow = features(name, demo)
    expected = softmax(computed(name, demo, narrow))
    found = softmax(computed(name, wide, np.repeat(narrow, TIMES)))
    assert (len(expected), len(found)) == (9, 81)
    np.testing.assert_allclose([*found[:8], found[-1]], expected, rtol=1e-4, atol=1e-6)
    assert found[8:-1].max() < 1e-30


def softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum())


def test_pictures_are_mirrored_where_there_are_more_than_the_demo_has_and_every_fourth_is_upright(
    tmp_path: Path,
) -> None:
    folder, annotations = tmp_path / "images", tmp_path / "instances.json"
    write_pictures(folder, annotations, 65, mixed=True)
    content = json.loads(annotations.read_text())
    assert len(content["images"]) == len(list(folder.iterdir())) == 65
    assert len(content["categories"]) == 80
    for image in content["images"]:
        upright = image["id"] % 4 == 3
        with Image.open(folder / image["file_name"]) as picture:
            assert picture.size == (image["width"], image["height"])
            assert picture.size == ((480, 640) if upright else (640, 480))
    first, mirrored = (
        np.asarray(Image.open(folder / content["images"][index]["file_name"]), np.int32)
        for index in (0, 64)
    )
    assert np.abs(mirrored[:, ::-1] - first).mean() < 3


def test_a_folder_that_is_there_is_not_written_into(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["full-size-demo", "--output", str(tmp_path), "--pictures", "1"]) == 1
    assert capsys.readouterr().err == f"error: {tmp_path}: File exists\n"
    assert not list(tmp_path.iterdir())


def test_a_layer_that_reads_a_map_reads_each_of_its_channels_four_times() -> None:
    with checkpoint("FPN").open("rb") as file:
        narrow: Arrays = pickle.load(file, encoding="latin1")["model"]
    name = "roi_heads.box_head.fc1.weight"
    weight, wide = (np.asarray(each[name], np.float64) for each in (narrow, widen(narrow)))
    maps = np.random.default_rng(0).standard_normal((weight.shape[1] // 49, 7, 7))
    expected = np.repeat(weight @ maps.ravel(), TIMES)
    found = wide @ np.repeat(maps, TIMES, axis=0).ravel()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.long
@pytest.mark.parametrize(("family", "before_nms"), [("C4", 6000), ("FPN", 1000)])
def test_the_full_size_network_detects_what_the_demo_detects(
    family: str, before_nms: int, tmp_path: Path
) -> None:
    coco = tmp_path / "coco"
    arguments = ["--family", family, "--output", str(coco), "--pictures", "1"]
    assert main(["full-size-demo", *arguments]) == 0
    # The demo's own weights under the same settings, but for the widths.
    demo = tmp_path / "demo.yaml"
    demo.write_text(
        f"_BASE_: {checkpoint(family).with_suffix('.yaml')}\n"
        "INPUT: {MIN_SIZE_TEST: 800, MAX_SIZE_TEST: 1333}\n"
        f"MODEL: {{RPN: {{PRE_NMS_TOPK_TEST: {before_nms}, POST_NMS_TOPK_TEST: 1000}}}}\n"
    )
    categories = ["--categories", str(ROOT / "demo" / "val" / "instances.json")]
    found = detections(tmp_path / "wide", coco / "config.yaml", coco / "model_final.pkl", [])
    expected = detections(tmp_path / "narrow", demo, checkpoint(family), categories)
    count = int(expected["num_detections"][0, 0])
    assert count > 3
    assert found["num_detections"][0, 0] == count
    for name, tolerance in (("boxes", 0.1), ("scores", 1e-3), ("classes", 0)):
        np.testing.assert_allclose(
            found[name][0, :count], expected[name][0, :count], atol=tolerance, rtol=0
        )


def detections(
    repository: Path, config: Path, weights: Path, options: list[str]
) -> dict[str, Array]:
    """What the network that is built of these finds on a canvas with a picture of the demo."""
    command = [sys.executable, "-m", "builder", "build", "--repository", str(repository)]
    command += ["--config", str(config), "--weights", str(weights), *options]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    session = onnxruntime.InferenceSession(repository / ModelNames().network_folder / ONNX)
    with Image.open(ROOT / "demo" / "val" / "images" / "000000.jpg") as picture:
        pixels = np.asarray(picture.convert("RGB").resize((1056, 800)))[:, :, ::-1]
    inputs = {"canvas": pixels[None].copy(), "image_size": np.array([[800, 1056]], np.int32)}
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))
