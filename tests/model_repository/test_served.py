"""The four models in a real tritonserver, on the demo."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from google.protobuf import text_format
from PIL import Image
from pycocotools import mask as mask_utils
from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.grpc.model_config_pb2 import ModelConfig
from tritonclient.utils import InferenceServerException

from server.errors import ServerError
from server.launch import TritonServer
from tests.demo_build import build_faster_demo

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "demo"
GOLDENS = dict(np.load(ROOT / "tests/goldens/goldens_demo.npz"))
CATEGORY_IDS = np.array([1, 2, 3, 5, 8, 13, 21, 34])

Arrays = dict[str, npt.NDArray[Any]]

TYPES = {"object": "BYTES", "uint8": "UINT8", "int32": "INT32", "float32": "FP32"}
MODELS = {
    "mask_rcnn": ["num_detections", "boxes", "scores", "category_ids", "masks"],
    "mask_rcnn_preprocess": ["canvas", "image_size", "original_size"],
    "mask_rcnn_network": ["num_detections", "boxes", "scores", "classes", "mask_probs"],
    "mask_rcnn_postprocess": ["num_detections", "boxes", "scores", "category_ids", "masks"],
}

LANDSCAPE, SQUARE, PORTRAIT = "000000.jpg", "000003.jpg", "000019.jpg"


def file(name: str) -> bytes:
    return (DEMO / "val/images" / name).read_bytes()


def pictures(*files: bytes) -> Arrays:
    return {"image": np.array([[data] for data in files], np.object_)}


@pytest.fixture(scope="module")
def client(demo_server: TritonServer) -> Iterator[InferenceServerClient]:
    with InferenceServerClient(demo_server.grpc_url) as client:
        yield client


@pytest.fixture(scope="module")
def everything(client: InferenceServerClient) -> Arrays:
    """All that the ensemble answers to the landscape."""
    return infer(client, "mask_rcnn", pictures(file(LANDSCAPE)))


def infer(
    client: InferenceServerClient,
    model: str,
    arrays: Mapping[str, npt.NDArray[Any]],
    outputs: Sequence[str] | None = None,
    **parameters: Any,
) -> Arrays:
    inputs = []
    for name, array in arrays.items():
        inputs.append(InferInput(name, array.shape, TYPES[str(array.dtype)]))
        inputs[-1].set_data_from_numpy(array)
    requested = None if outputs is None else [InferRequestedOutput(name) for name in outputs]
    result = client.infer(model, inputs, outputs=requested, parameters=parameters)
    return {output.name: result.as_numpy(output.name) for output in result.get_response().outputs}


def assert_same_detections(found: Arrays, n: int, alone: Arrays) -> None:
    """Picture n of a batch has the detections that it has alone, up to fp32's rounding."""
    np.testing.assert_array_equal(found["num_detections"][n], alone["num_detections"][0])
    np.testing.assert_array_equal(found["category_ids"][n], alone["category_ids"][0])
    np.testing.assert_allclose(found["scores"][n], alone["scores"][0], rtol=0, atol=1e-5)
    np.testing.assert_allclose(found["boxes"][n], alone["boxes"][0], rtol=0, atol=2e-3)


@pytest.mark.parametrize("index", range(6))
def test_the_ensemble_gives_detectron2s_detections(
    client: InferenceServerClient, index: int
) -> None:
    name = str(GOLDENS[f"{index}.file"])
    found = infer(client, "mask_rcnn", pictures(file(name)))
    count = int(found["num_detections"][0, 0])
    classes, masks = GOLDENS[f"{index}.classes"], found["masks"][0, :count]
    assert count == len(classes)
    np.testing.assert_array_equal(found["category_ids"][0, :count], CATEGORY_IDS[classes])
    np.testing.assert_allclose(
        found["scores"][0, :count], GOLDENS[f"{index}.scores"], rtol=0, atol=1e-5
    )
    np.testing.assert_allclose(
        found["boxes"][0, :count], GOLDENS[f"{index}.post_boxes"], rtol=0, atol=2e-3
    )
    width, height = Image.open(DEMO / "val/images" / name).size
    areas = [mask_utils.area({"size": [height, width], "counts": counts}) for counts in masks]
    # A probability that differs in its last digits may put a pixel across the threshold.
    np.testing.assert_allclose(areas, GOLDENS[f"{index}.post_mask_area"], rtol=0, atol=2)
    for rest in ("boxes", "scores", "category_ids"):
        assert not found[rest][0, count:].any()
    assert set(found["masks"][0, count:]) == {b""}


def test_pictures_of_a_mixed_batch_have_the_detections_that_they_have_alone(
    client: InferenceServerClient,
) -> None:
    files = [file(name) for name in (LANDSCAPE, PORTRAIT, SQUARE)]
    together = infer(client, "mask_rcnn", pictures(*files))
    for n, data in enumerate(files):
        assert_same_detections(together, n, infer(client, "mask_rcnn", pictures(data)))


@pytest.mark.parametrize(
    ("files", "canvas"),
    [
        ([LANDSCAPE], (288, 480)),
        ([PORTRAIT], (480, 288)),
        ([LANDSCAPE, SQUARE], (288, 480)),
        ([LANDSCAPE, PORTRAIT], (480, 480)),
    ],
)
def test_preprocess_puts_a_request_on_its_smallest_canvas(
    client: InferenceServerClient, files: list[str], canvas: tuple[int, int]
) -> None:
    made = infer(client, "mask_rcnn_preprocess", pictures(*map(file, files)))
    assert made["canvas"].shape == (len(files), *canvas, 3)
    for n, name in enumerate(files):
        width, height = Image.open(DEMO / "val/images" / name).size
        assert made["original_size"][n].tolist() == [height, width]
        h, w = made["image_size"][n]
        assert min(h, w) == 288
        assert made["canvas"][n, :h, :w].any()
        assert not made["canvas"][n, h:].any()
        assert not made["canvas"][n, :, w:].any()


@pytest.mark.parametrize("model", MODELS)
def test_each_output_alone_is_what_it_is_among_all(
    client: InferenceServerClient, model: str
) -> None:
    arrays = pictures(file(LANDSCAPE))
    if model in ("mask_rcnn_network", "mask_rcnn_postprocess"):
        made = infer(client, "mask_rcnn_preprocess", arrays)
        original_size = {"original_size": made.pop("original_size")}
        arrays = made
    if model == "mask_rcnn_postprocess":
        found = infer(client, "mask_rcnn_network", arrays)
        arrays = {**found, "image_size": arrays["image_size"], **original_size}
    together = infer(client, model, arrays)
    assert sorted(together) == sorted(MODELS[model])
    for name in MODELS[model]:
        alone = infer(client, model, arrays, [name])
        assert list(alone) == [name]
        np.testing.assert_array_equal(alone[name], together[name])


@pytest.mark.parametrize("threshold", [0, 0.5, 1])
def test_score_threshold_leaves_the_detections_above_it(
    client: InferenceServerClient, everything: Arrays, threshold: float
) -> None:
    above = infer(client, "mask_rcnn", pictures(file(LANDSCAPE)), score_threshold=threshold)
    count = int((everything["scores"][0] > threshold).sum())
    assert above["num_detections"].tolist() == [[count]]
    np.testing.assert_array_equal(above["boxes"][0, :count], everything["boxes"][0, :count])
    assert not above["boxes"][0, count:].any()


@pytest.mark.parametrize(
    ("files", "parameters", "message"),
    [
        ([b""], {}, "image 0 of the request (counted from 0, of 1): it is empty"),
        ([file(SQUARE), b"text"], {}, "image 1 of the request (counted from 0, of 2): its 4 bytes"),
        ([file(SQUARE)[:5000]], {}, "begins as a JPEG of 360x360 pixels, but cannot be decoded"),
        ([file(SQUARE)], {"score_threshold": "high"}, "score_threshold is 'high'; expected a num"),
        ([file(SQUARE)] * 9, {}, "batch-size must be <= 8"),
    ],
)
def test_a_bad_request_is_refused_with_the_reason_while_others_are_served(
    client: InferenceServerClient, files: list[bytes], parameters: dict[str, Any], message: str
) -> None:
    with ThreadPoolExecutor(2) as pool:
        good = pool.submit(infer, client, "mask_rcnn", pictures(file(SQUARE)))
        bad = pool.submit(infer, client, "mask_rcnn", pictures(*files), **parameters)
        with pytest.raises(InferenceServerException) as error:
            bad.result()
        assert good.result()["num_detections"][0, 0] == len(GOLDENS["3.classes"])
    assert error.value.status() == "StatusCode.INVALID_ARGUMENT"
    assert message in error.value.message()


def test_clients_can_read_the_categories(client: InferenceServerClient) -> None:
    config = client.get_model_config("mask_rcnn").config
    categories = json.loads(config.parameters["categories"].string_value)
    assert [category["id"] for category in categories] == CATEGORY_IDS.tolist()
    assert categories[0]["name"] == "circle"


def test_requests_that_triton_batches_have_the_detections_that_they_have_alone(
    demo_repository: Path, tmp_path: Path
) -> None:
    repository = tmp_path / "repository"
    shutil.copytree(demo_repository, repository)
    configs = repository / "mask_rcnn_network/configs"
    # As on a GPU, where requests batch across canvases; on a CPU each is served by itself.
    config = text_format.Parse((configs / "onnxruntime_cuda.pbtxt").read_text(), ModelConfig())
    config.instance_group[0].kind = config.instance_group[0].KIND_CPU
    config.instance_group[0].count = 1
    config.parameters["intra_op_num_threads"].string_value = "0"
    config.ClearField("model_warmup")
    (configs / "onnxruntime.pbtxt").write_text(text_format.MessageToString(config))
    landscapes, portraits = (0, 1, 2), (17, 19, 22)
    mixed = [n for pair in zip(landscapes, portraits, strict=True) for n in pair]
    requests = [pictures(file(f"{n:06d}.jpg")) for n in mixed]
    with (
        TritonServer(repository, model_config_name="onnxruntime", exit_timeout_secs=0) as server,
        InferenceServerClient(server.grpc_url) as client,
        ThreadPoolExecutor(len(requests)) as pool,
    ):
        alone = [infer(client, "mask_rcnn", request) for request in requests]
        together = list(pool.map(lambda request: infer(client, "mask_rcnn", request), requests))
        statistics = client.get_inference_statistics("mask_rcnn_network").model_stats[0]
    assert statistics.inference_count == 2 * len(requests)
    # The first runs alone while the others wait; equal canvases are never three in a row.
    assert max(batch.batch_size for batch in statistics.batch_stats) > 2
    for found, expected in zip(together, alone, strict=True):
        assert_same_detections(found, 0, expected)


def test_faster_rcnn_is_served_without_masks(tmp_path: Path) -> None:
    repository = build_faster_demo(tmp_path / "repository", tmp_path)
    with (
        TritonServer(repository, model_config_name="onnxruntime", exit_timeout_secs=0) as server,
        InferenceServerClient(server.grpc_url) as client,
    ):
        found = infer(client, "mask_rcnn", pictures(file(LANDSCAPE)))
    assert sorted(found) == ["boxes", "category_ids", "num_detections", "scores"]
    count = int(found["num_detections"][0, 0])
    np.testing.assert_allclose(
        found["boxes"][0, :count], GOLDENS["0.post_boxes"], rtol=0, atol=2e-3
    )


def test_pytorch_on_a_cpu_is_refused_in_words(demo_repository: Path, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    shutil.copytree(demo_repository, repository)
    config = repository / "mask_rcnn_network/configs/pytorch.pbtxt"
    config.write_text(config.read_text().replace("KIND_GPU", "KIND_CPU"))
    with (
        pytest.raises(ServerError, match="PyTorch runs the network on GPUs alone"),
        TritonServer(repository, model_config_name="pytorch", exit_timeout_secs=0),
    ):
        pass
