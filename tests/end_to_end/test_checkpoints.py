"""Other checkpoints than Mask R-CNN R50-C4: R101-C4, and Faster R-CNN C4 without masks."""

from __future__ import annotations

import asyncio
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import tritonclient.grpc as grpc
from PIL import Image
from pycocotools import mask as rle

from builder.__main__ import main as builder
from builder.network import load_config, network_spec
from client.__main__ import main as client
from client.connection.model_connection import connect
from client.connection.settings import Connection
from client.detections import Detections
from server.launch import TritonServer
from tests.changed_config import write_changed_config
from tests.end_to_end.conftest import SMALL_PICTURES
from tests.generated_weights import write_generated_weights

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "tests" / "configs"
R50_C4 = CONFIGS / "COCO-InstanceSegmentation" / "mask_rcnn_R_50_C4_1x.yaml"
R101_C4 = CONFIGS / "COCO-InstanceSegmentation" / "mask_rcnn_R_101_C4_3x.yaml"
FASTER_RCNN = CONFIGS / "COCO-Detection" / "faster_rcnn_R_50_C4_1x.yaml"

DEMO = ROOT / "demo"
PICTURES = sorted((DEMO / "val" / "images").glob("*.jpg"))

BOX_OUTPUTS = {"num_detections", "boxes", "scores", "category_ids"}
NETWORK_BOX_OUTPUTS = {"num_detections", "boxes", "scores", "classes"}

NARROW = """\
_BASE_: {base}
MODEL:
  RESNETS:
    STEM_OUT_CHANNELS: 16
    RES2_OUT_CHANNELS: 64
    WIDTH_PER_GROUP: 16
  RPN:
    PRE_NMS_TOPK_TEST: 1000
    POST_NMS_TOPK_TEST: 100
  ROI_MASK_HEAD:
    CONV_DIM: 64
INPUT:
  MIN_SIZE_TEST: 128
  MAX_SIZE_TEST: 224
"""


def build(repository: Path, config: Path, weights: Path, *more: str | Path) -> Path:
    required = ["--config", config, "--weights", weights, "--repository", repository]
    assert builder(["build", *map(str, [*required, *more])]) == 0
    return repository


def outputs_of(server: TritonServer) -> set[str]:
    with grpc.InferenceServerClient(server.grpc_url) as connection:
        return {output.name for output in connection.get_model_metadata("mask_rcnn").outputs}


def detect(server: TritonServer, picture: Path) -> Detections:
    async def ask() -> Detections:
        async with connect(Connection(server.grpc_url)) as detector:
            return await detector.detect(picture.read_bytes())

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("config", "arrays", "parameters"),
    [(R50_C4, 279, 35_909_612), (R101_C4, 534, 54_849_516), (FASTER_RCNN, 275, 33_791_644)],
)
def test_generated_weights_are_as_many_as_the_zoos(
    config: Path, arrays: int, parameters: int
) -> None:
    """A norm is frozen: detectron2 counts its arrays, but not among the parameters."""
    shapes = network_spec(load_config(config)).parameters.unfolded_shapes()
    assert len(shapes) == arrays
    assert sum(math.prod(shapes[name]) for name in shapes if ".norm." not in name) == parameters


@pytest.mark.parametrize(
    ("config", "description", "outputs"),
    [
        (R101_C4, "Mask R-CNN R101-C4, 54,902,188", NETWORK_BOX_OUTPUTS | {"mask_probs"}),
        (FASTER_RCNN, "Faster R-CNN R50-C4, 33,818,204", NETWORK_BOX_OUTPUTS),
    ],
)
def test_a_zoo_checkpoint_with_all_its_weights_builds(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    config: Path,
    description: str,
    outputs: set[str],
) -> None:
    weights = write_generated_weights(tmp_path / "model_final.pkl", load_config(config))
    config = write_changed_config(tmp_path / "small_pictures.yaml", config, SMALL_PICTURES)
    build(tmp_path / "repository", config, weights)
    assert f"{description} parameters, fp32\n" in capsys.readouterr().out
    network = onnx.load(tmp_path / "repository" / "mask_rcnn_network" / "1" / "model.onnx")
    assert {output.name for output in network.graph.output} == outputs


@pytest.mark.parametrize(
    ("base", "outputs", "kinds"),
    [
        (R101_C4, BOX_OUTPUTS | {"masks"}, ["bbox", "segm"]),
        (FASTER_RCNN, BOX_OUTPUTS, ["bbox"]),
    ],
)
def test_a_narrow_copy_of_a_zoo_model_is_served_and_evaluated(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    coco: Path,
    base: Path,
    outputs: set[str],
    kinds: list[str],
) -> None:
    config = tmp_path / "narrow.yaml"
    config.write_text(NARROW.format(base=base))
    weights = write_generated_weights(tmp_path / "narrow.pkl", load_config(config))
    repository = build(tmp_path / "repository", config, weights)
    with TritonServer(repository, model_config_name="onnxruntime", exit_timeout_secs=0) as server:
        assert outputs_of(server) == outputs
        summary = evaluate(
            server, coco / "val2017", coco / "annotations" / "instances_val2017.json", tmp_path
        )
    assert summary["complete"]
    assert summary["detections"] > 0
    assert [kind for kind in ("bbox", "segm") if kind in summary] == kinds
    assert capsys.readouterr().out.count("Average Precision") == 6 * len(kinds)


def evaluate(server: TritonServer, images: Path, annotations: Path, output: Path) -> dict[str, Any]:
    arguments = ["--images", images, "--annotations", annotations, "--output", output]
    assert client(["evaluate", *map(str, arguments), "--url", server.grpc_url]) == 0
    return json.loads((output / "summary.json").read_text())


@pytest.mark.long
def test_faster_rcnn_has_the_box_ap_of_detectron2_and_prints_no_mask_ap(
    faster_demo_server: TritonServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = evaluate(
        faster_demo_server, DEMO / "val" / "images", DEMO / "val" / "instances.json", tmp_path
    )
    assert summary["bbox"]["AP"] == pytest.approx(80.348, abs=0.02)
    assert "segm" not in summary
    printed = capsys.readouterr().out
    assert printed.endswith("\nbox AP 80.35, AP50 91.90\n")
    assert "mask AP" not in printed


def test_faster_rcnn_gives_exactly_the_boxes_of_mask_rcnn(
    faster_demo_server: TritonServer, demo_server: TritonServer
) -> None:
    for picture in PICTURES[:6]:
        faster, mask = detect(faster_demo_server, picture), detect(demo_server, picture)
        assert len(faster.boxes) > 0
        np.testing.assert_array_equal(faster.boxes, mask.boxes)
        np.testing.assert_array_equal(faster.scores, mask.scores)
        np.testing.assert_array_equal(faster.category_ids, mask.category_ids)
        assert faster.masks is None
        assert mask.masks is not None


def test_faster_rcnn_draws_boxes_only(
    faster_demo_server: TritonServer, demo_server: TritonServer, tmp_path: Path
) -> None:
    picture = PICTURES[0]
    with_boxes, detections = drawn(faster_demo_server, picture, tmp_path / "faster")
    with_masks, detections_with_masks = drawn(demo_server, picture, tmp_path / "mask")
    masks = [rle.decode(found.pop("mask")).astype(bool) for found in detections_with_masks]
    assert detections == detections_with_masks
    inside = np.any(masks, axis=0)
    with Image.open(picture) as image:
        original = np.asarray(image.convert("RGB"))
    assert np.any(with_masks != original, axis=-1)[inside].mean() > 0.95
    lines_and_names = np.any(with_boxes != original, axis=-1)
    assert 0 < lines_and_names[inside].mean() < 0.3


def drawn(
    server: TritonServer, picture: Path, output: Path
) -> tuple[npt.NDArray[np.uint8], list[dict[str, Any]]]:
    """What ``client predict`` makes of a picture: RGB [h, w, 3] and the detections."""
    assert client(["predict", str(picture), "--url", server.grpc_url, "--output", str(output)]) == 0
    [entry] = json.loads((output / "detections.json").read_text())
    with Image.open(output / entry["drawn"]) as image:
        return np.asarray(image.convert("RGB")), entry["detections"]
