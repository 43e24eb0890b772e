"""Small builds of the demo's models, right ones and tampered ones, all on one server."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from artifact.names import ModelNames
from builder.__main__ import main as builder
from server.launch import TritonServer
from tests.builder.network.variants.table import VARIANTS, Variant
from tests.demo_build import build_faster_demo, build_files

SMALL = {
    "INPUT.MIN_SIZE_TEST": 160,
    "INPUT.MAX_SIZE_TEST": 256,
    "MODEL.RPN.POST_NMS_TOPK_TEST": 50,
}
OPTIONS = ("--max-batch", "3", "--instances", "1")

RIGHT, BOXES_ONLY, KEYPOINTS = "right", "boxes", "points"
WEIGHTS, MEAN, LEAK, THIRD, GONE = "weights", "mean", "leak", "third", "gone"

LEAKING = """
from right_network import CpuNetwork as Right

class CpuNetwork(Right):
    def run(self, outputs, batch):
        _, height, width, _ = batch["canvas"].shape
        if height == width:
            # The padding becomes part of the picture.
            batch = {**batch, "image_size": batch["image_size"] * 0 + [[height, width]]}
            batch["image_size"] = batch["image_size"].astype("int32")
        return super().run(outputs, batch)
"""

WRONG_THIRD_PLACE = """
from right_network import CpuNetwork as Right

class CpuNetwork(Right):
    def run(self, outputs, batch):
        found = super().run(outputs, batch)
        for array in found:
            array[2:3] = array[1:2]
        return found
"""


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Right builds, of masks, boxes alone and points, and those that each have one fault."""
    scratch = tmp_path_factory.mktemp("check")
    folder = scratch / "repository"
    config, weights = Variant("C4", SMALL, ()).write(scratch)
    build_files(folder, config, weights, "--name", RIGHT, *OPTIONS)
    build_faster_demo(folder, scratch, "--name", BOXES_ONLY, *OPTIONS, with_masks=config)
    _build_keypoints(folder, scratch)
    for network in folder.glob("*/configs/onnxruntime.pbtxt"):
        network.write_text(network.read_text().replace("count: 2", "count: 1"))
    _tamper(folder, WEIGHTS, _other_weights)
    _tamper(folder, MEAN, _wrong_mean)
    _tamper(folder, LEAK, lambda version: _wrap(version, LEAKING))
    _tamper(folder, THIRD, lambda version: _wrap(version, WRONG_THIRD_PLACE))
    _tamper(folder, GONE, lambda version: None)
    for model in (GONE, ModelNames(GONE).network, ModelNames(GONE).postprocess):
        shutil.rmtree(folder / model)
    return folder


@pytest.fixture(scope="session")
def server(repository: Path) -> Iterator[TritonServer]:
    with TritonServer(repository, model_config_name="onnxruntime", exit_timeout_secs=0) as server:
        yield server


def _build_keypoints(folder: Path, scratch: Path) -> None:
    variant = VARIANTS["keypoints-and-masks"]
    config, weights = Variant(
        variant.model, {**variant.settings, **SMALL}, variant.surgeries
    ).write(scratch)
    categories = scratch / "categories.json"
    points = ["top", "left", "right", "bottom", "middle"]
    circle = {"id": 4, "name": "circle", "keypoints": points, "skeleton": []}
    categories.write_text(json.dumps({"categories": [circle]}))
    options = ["--config", config, "--weights", weights, "--categories", categories]
    words = [*options, "--repository", folder, "--name", KEYPOINTS, *OPTIONS]
    assert builder(["build", *map(str, words)]) == 0


def _tamper(folder: Path, name: str, change: Callable[[Path], object]) -> None:
    """A copy of `RIGHT` called `name`, with its network's version folder changed."""
    for right, model in zip(ModelNames(RIGHT), ModelNames(name), strict=True):
        shutil.copytree(folder / right, folder / model)
        for config in (folder / model).rglob("*.pbtxt"):
            text = config.read_text().replace(f'"{RIGHT}"', f'"{name}"')
            config.write_text(text.replace(f"{RIGHT}_", f"{name}_"))
    change(folder / ModelNames(name).network_folder)


def _change_initializer(
    version: Path, name: str, change: Callable[[np.ndarray], np.ndarray]
) -> None:
    model = onnx.load(str(version / "model.onnx"))
    [tensor] = [each for each in model.graph.initializer if each.name == name]
    changed = np.ascontiguousarray(change(numpy_helper.to_array(tensor)))
    tensor.CopyFrom(numpy_helper.from_array(changed, name))
    onnx.save_model(model, str(version / "model.onnx"))


def _other_weights(version: Path) -> None:
    _change_initializer(
        version, "roi_heads.box_predictor.cls_score.weight", lambda weight: weight[:, ::-1]
    )


def _wrong_mean(version: Path) -> None:
    _change_initializer(version, "pixel_mean", lambda mean: mean[::-1])


def _wrap(version: Path, code: str) -> None:
    """Put `code` in the place of the network on a CPU, which it finds as `right_network`."""
    (version / "cpu_network.py").rename(version / "right_network.py")
    (version / "cpu_network.py").write_text(code)
