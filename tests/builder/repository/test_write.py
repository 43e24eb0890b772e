from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from google.protobuf import text_format
from onnx import TensorProto, helper
from pycocotools.cocoeval import Params
from tritonclient.grpc.model_config_pb2 import DataType, ModelConfig

from artifact.names import ModelNames
from builder.network import ModelConfig as NetworkConfig
from builder.network import export_onnx, load_config, network_spec
from builder.repository import write
from builder.repository.canvases import canvases
from builder.repository.categories import COCO_CATEGORIES, categories_for
from builder.repository.models import Pipeline
from builder.repository.write import CHECKED_IN, configurations, write_repository
from builder.staging import staged
from tests.changed_config import with_keypoints, without_masks

ROOT = Path(__file__).resolve().parents[3]
COCO = load_config(ROOT / "tests/configs/COCO-InstanceSegmentation/mask_rcnn_R_50_C4_1x.yaml")
DEMO = load_config(ROOT / "demo/mask_rcnn_R_50_C4_shapes.yaml")
WITH_KEYPOINTS = with_keypoints(
    load_config(ROOT / "demo/mask_rcnn_R_50_FPN_shapes.yaml"), points=3, sigmas=(0.1, 0.2, 0.05)
)
DEMO_CATEGORIES = categories_for(8, ROOT / "demo/val/instances.json")

FILES = {
    "mask_rcnn/config.pbtxt",
    "mask_rcnn/1/.gitkeep",
    "mask_rcnn_preprocess/config.pbtxt",
    "mask_rcnn_preprocess/1/model.py",
    "mask_rcnn_preprocess/1/decode.py",
    "mask_rcnn_preprocess/1/heap.py",
    "mask_rcnn_preprocess/1/jpeg.py",
    "mask_rcnn_preprocess/1/metrics.py",
    "mask_rcnn_preprocess/1/orientation.py",
    "mask_rcnn_preprocess/1/picture_formats.py",
    "mask_rcnn_preprocess/1/request_report.py",
    "mask_rcnn_preprocess/1/step.py",
    "mask_rcnn_preprocess/1/resize.py",
    "mask_rcnn_preprocess/1/canvas.py",
    "mask_rcnn_network/config.pbtxt",
    "mask_rcnn_network/configs/onnxruntime.pbtxt",
    "mask_rcnn_network/configs/onnxruntime_cuda.pbtxt",
    "mask_rcnn_network/configs/pytorch.pbtxt",
    "mask_rcnn_network/1/batch_parts.py",
    "mask_rcnn_network/1/cpu_network.py",
    "mask_rcnn_network/1/cuda_network.py",
    "mask_rcnn_network/1/model.py",
    "mask_rcnn_network/1/threads.py",
    "mask_rcnn_network/1/torch_network.py",
    "mask_rcnn_network/1/torch_operators.py",
    "mask_rcnn_network/1/torch_program.py",
    "mask_rcnn_network/1/model.onnx",
    "mask_rcnn_postprocess/config.pbtxt",
    "mask_rcnn_postprocess/1/model.py",
    "mask_rcnn_postprocess/1/boxes.py",
    "mask_rcnn_postprocess/1/heatmap_peaks.py",
    "mask_rcnn_postprocess/1/keypoints.py",
    "mask_rcnn_postprocess/1/metrics.py",
    "mask_rcnn_postprocess/1/request_report.py",
    "mask_rcnn_postprocess/1/step.py",
    "mask_rcnn_postprocess/1/paste.py",
    "mask_rcnn_postprocess/1/rle.py",
    "mask_rcnn_postprocess/1/threshold.py",
}


@functools.cache
def graph(config: NetworkConfig) -> onnx.GraphProto:
    """The network's, with zeros for weights."""
    shapes = network_spec(config).parameters.shapes
    return export_onnx(config, {name: np.zeros(s, np.float32) for name, s in shapes.items()}).graph


def pipeline(config: NetworkConfig, **differences: Any) -> Pipeline:
    """As a build of `config` has it, but for `differences`."""
    spec = network_spec(config)
    standard = Pipeline(
        config,
        inputs=spec.inputs,
        outputs=spec.outputs,
        categories=COCO_CATEGORIES if config.model.num_classes == 80 else DEMO_CATEGORIES,
        names=ModelNames(),
        max_batch=8,
        opt_batch=8,
        instances=8,
    )
    return dataclasses.replace(standard, **differences)


def some_network() -> onnx.ModelProto:
    """Any ONNX model: writing a repository does not look into it."""
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    node = helper.make_node("Identity", ["x"], ["y"])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    return helper.make_model(helper.make_graph([node], "some", [value], [result]))


def files(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def parsed(texts: dict[str, str]) -> dict[str, Any]:
    return {path: text_format.Parse(text, ModelConfig()) for path, text in texts.items()}


def shapes(tensors: Sequence[Any]) -> dict[str, tuple[str, list[int]]]:
    return {t.name: (DataType.Name(t.data_type), list(t.dims)) for t in tensors}


def test_the_checked_in_configurations_are_what_is_written_for_coco() -> None:
    written = configurations(pipeline(COCO))
    checked_in = {
        str(file.relative_to(CHECKED_IN)): file.read_text(encoding="utf-8")
        for file in CHECKED_IN.rglob("*.pbtxt")
    }
    assert checked_in == written


def test_a_written_repository_is_complete(tmp_path: Path) -> None:
    network = some_network()
    write_repository(tmp_path, pipeline(DEMO), network)
    assert files(tmp_path) == FILES
    onnx_file = tmp_path / "mask_rcnn_network/1/model.onnx"
    assert onnx.load(onnx_file) == network
    for name in ("config.pbtxt", "configs/onnxruntime.pbtxt"):
        text = (tmp_path / "mask_rcnn_network" / name).read_text()
        parameters = text_format.Parse(text, ModelConfig()).parameters
        sha256 = hashlib.sha256(onnx_file.read_bytes()).hexdigest()
        assert parameters["onnx_sha256"].string_value == sha256
    for code in FILES:
        if code.endswith(".py"):
            assert (tmp_path / code).read_text() == (CHECKED_IN / code).read_text()
            assert not (tmp_path / code).is_symlink()


def test_the_checked_in_repository_can_be_built_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = tmp_path / "model_repository"
    write_repository(clone, pipeline(COCO), some_network())
    (clone / "mask_rcnn_network/1/model.plan").write_text("of an earlier build")
    (clone / "mask_rcnn_network/1/__pycache__").mkdir()
    (clone / "mask_rcnn_network/1/__pycache__/model.pyc").write_text("")
    (clone / "theirs").write_text("")
    monkeypatch.setattr(write, "CHECKED_IN", clone)
    with staged(clone) as stage:
        write_repository(stage, pipeline(COCO), some_network())
    assert files(clone) == FILES | {"theirs"}


def test_models_of_faster_rcnn_know_nothing_of_masks() -> None:
    faster = without_masks(DEMO)
    assert not [
        path
        for path, text in configurations(pipeline(faster)).items()
        if "mask_probs" in text or '"masks"' in text
    ]


@pytest.mark.parametrize("config", [DEMO, without_masks(DEMO), WITH_KEYPOINTS])
def test_each_step_of_the_ensemble_maps_all_tensors_of_its_model(config: NetworkConfig) -> None:
    models = parsed(configurations(pipeline(config)))
    ensemble = models["mask_rcnn/config.pbtxt"]
    tensors = shapes([*ensemble.input, *ensemble.output])
    for step in ensemble.ensemble_scheduling.step:
        model = models[f"{step.model_name}/config.pbtxt"]
        assert set(step.input_map) == set(shapes(model.input))
        assert set(step.output_map) == set(shapes(model.output))
        for name, shape in shapes([*model.input, *model.output]).items():
            shared = dict(step.input_map)[name] if name in step.input_map else step.output_map[name]
            assert tensors.setdefault(shared, shape) == shape


@pytest.mark.parametrize("config", [DEMO, without_masks(DEMO), WITH_KEYPOINTS])
def test_the_networks_configurations_hold_the_tensors_of_its_onnx(config: NetworkConfig) -> None:
    models = parsed(configurations(pipeline(config)))
    for path in ("config.pbtxt", "configs/onnxruntime.pbtxt", "configs/onnxruntime_cuda.pbtxt"):
        model = models[f"mask_rcnn_network/{path}"]
        assert shapes(model.input) == onnx_shapes(graph(config).input)
        assert shapes(model.output) == onnx_shapes(graph(config).output)


def test_clients_of_a_keypoint_rcnn_learn_what_its_evaluation_takes() -> None:
    ensemble = parsed(configurations(pipeline(WITH_KEYPOINTS)))["mask_rcnn/config.pbtxt"]
    assert shapes(ensemble.output)["keypoints"] == ("TYPE_FP32", [100, 3, 3])
    assert ensemble.parameters["keypoint_oks_sigmas"].string_value == "0.1,0.2,0.05"
    cocos = with_keypoints(WITH_KEYPOINTS, points=17, sigmas=())
    ensemble = parsed(configurations(pipeline(cocos)))["mask_rcnn/config.pbtxt"]
    sigmas = ensemble.parameters["keypoint_oks_sigmas"].string_value.split(",")
    assert [float(each) for each in sigmas] == pytest.approx(Params("keypoints").kpt_oks_sigmas)
    unknown = with_keypoints(WITH_KEYPOINTS, points=3, sigmas=())
    ensemble = parsed(configurations(pipeline(unknown)))["mask_rcnn/config.pbtxt"]
    assert "keypoint_oks_sigmas" not in ensemble.parameters


def onnx_shapes(values: Sequence[Any]) -> dict[str, tuple[str, list[int]]]:
    """As `shapes` of Triton's tensors."""
    types = {
        TensorProto.UINT8: "TYPE_UINT8",
        TensorProto.INT32: "TYPE_INT32",
        TensorProto.FLOAT: "TYPE_FP32",
    }
    return {
        value.name: (
            types[value.type.tensor_type.elem_type],
            [dim.dim_value or -1 for dim in value.type.tensor_type.shape.dim[1:]],
        )
        for value in values
    }


def test_a_build_of_another_name_differs_in_the_names_of_its_models_alone(tmp_path: Path) -> None:
    default, birds = pipeline(DEMO), pipeline(DEMO, names=ModelNames("birds"))
    assert configurations(birds) == {
        path.replace("mask_rcnn", "birds"): text.replace("mask_rcnn", "birds")
        for path, text in configurations(default).items()
    }
    write_repository(tmp_path / "birds", birds, some_network())
    assert files(tmp_path / "birds") == {file.replace("mask_rcnn", "birds") for file in FILES}
    write_repository(tmp_path / "default", default, some_network())
    for file in FILES:
        if file.endswith(".py"):
            renamed = tmp_path / "birds" / file.replace("mask_rcnn", "birds")
            assert renamed.read_text() == (tmp_path / "default" / file).read_text()


def test_each_model_takes_the_batch_that_was_asked_for() -> None:
    models = parsed(configurations(pipeline(DEMO, max_batch=3, opt_batch=3)))
    assert {model.max_batch_size for model in models.values()} == {3}


def test_the_plan_is_warmed_up_on_each_canvas_and_has_a_profile_for_each() -> None:
    models = parsed(configurations(pipeline(DEMO, opt_batch=4)))
    network = models["mask_rcnn_network/config.pbtxt"]
    warmed_up = [tuple(w.inputs["canvas"].dims) for w in network.model_warmup]
    assert warmed_up == [(*canvas, 3) for canvas in canvases(DEMO)]
    assert list(network.instance_group[0].profile) == ["0", "1", "2"]
    assert list(network.dynamic_batching.preferred_batch_size) == [4, 8]
