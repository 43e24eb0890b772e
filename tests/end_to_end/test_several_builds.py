"""Models of several names in one repository and one server: C4, FPN and a Faster R-CNN."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pycocotools import mask as rle
from tritonclient.grpc import InferenceServerClient, InferInput

from artifact.names import DEFAULT_NAME, ModelNames
from client.__main__ import main as client
from server.launch import TritonServer
from tests.demo_build import C4, DEMO, FPN, build_demo, build_faster_demo, build_trained

MASK, PYRAMID, FASTER = "shapes", "shapes-fpn", "shapes.boxes-only"
PICTURES = [path.read_bytes() for path in sorted((DEMO / "val" / "images").iterdir())[:4]]

Arrays = dict[str, npt.NDArray[Any]]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's two models as they are, and C4 without its mask head."""
    folder = tmp_path_factory.mktemp("several_builds")
    build_demo(folder / "repository", "--name", MASK)
    build_trained(folder / "repository", FPN, "--name", PYRAMID)
    return build_faster_demo(folder / "repository", folder, "--name", FASTER)


@pytest.fixture(scope="module")
def server(repository: Path) -> Iterator[TritonServer]:
    with TritonServer(repository, model_config_name="onnxruntime", exit_timeout_secs=0) as server:
        yield server


@pytest.fixture(scope="module")
def first_scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The annotations of the demo's first twelve pictures, which are of eight sizes."""
    data = json.loads((DEMO / "val" / "instances.json").read_text())
    data["images"] = sorted(data["images"], key=lambda image: image["file_name"])[:12]
    ids = {image["id"] for image in data["images"]}
    data["annotations"] = [a for a in data["annotations"] if a["image_id"] in ids]
    path = tmp_path_factory.mktemp("first_scenes") / "instances.json"
    path.write_text(json.dumps(data))
    return path


def detect(server: TritonServer, model: str, picture: bytes) -> Arrays:
    image = InferInput("image", [1, 1], "BYTES")
    image.set_data_from_numpy(np.array([[picture]], np.object_))
    with InferenceServerClient(server.grpc_url) as client:
        result = client.infer(model, [image])
    return {output.name: result.as_numpy(output.name) for output in result.get_response().outputs}


def test_all_are_served_each_with_steps_of_its_own(server: TritonServer) -> None:
    names = [name for build in (MASK, PYRAMID, FASTER) for name in ModelNames(build)]
    assert server.models == sorted(names)


@pytest.mark.parametrize(
    ("name", "trained", "kinds"),
    [(MASK, C4, ("bbox", "segm")), (PYRAMID, FPN, ("bbox", "segm")), (FASTER, C4, ("bbox",))],
)
def test_each_is_evaluated_by_its_name_as_detectron2_is(
    server: TritonServer,
    first_scenes: Path,
    name: str,
    trained: Path,
    kinds: tuple[str],
    tmp_path: Path,
) -> None:
    """Every detection of detectron2's is among those served, and no other."""
    data = ["--images", DEMO / "val" / "images", "--annotations", first_scenes]
    options = ["--url", server.grpc_url, "--model", name, *data, "--output", tmp_path]
    assert client(["evaluate", *map(str, options)]) == 0
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert [kind for kind in ("bbox", "segm") if kind in summary] == list(kinds)
    served = json.loads((tmp_path / "coco_instances_results.json").read_text())
    ids = {image["id"] for image in json.loads(first_scenes.read_text())["images"]}
    detectron2 = json.loads(Path(f"{trained}.results.json").read_text())
    expected = [result for result in detectron2 if result["image_id"] in ids]
    assert len(served) == len(expected) > len(ids)
    for mine, theirs in zip(by_rank(served), by_rank(expected), strict=True):
        assert mine["category_id"] == theirs["category_id"]
        assert mine["score"] == pytest.approx(theirs["score"], abs=1e-4)
        assert mine["bbox"] == pytest.approx(theirs["bbox"], abs=0.01)
        assert ("segmentation" in mine) == ("segm" in kinds)
        if "segm" in kinds:
            (((overlap,),)) = rle.iou([mine["segmentation"]], [theirs["segmentation"]], [0])
            assert overlap > 0.999


def by_rank(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A picture's after another's, each from its best on."""
    return sorted(results, key=lambda result: (result["image_id"], -result["score"]))


def test_each_answers_as_it_does_when_it_is_alone(
    server: TritonServer, demo_server: TritonServer, faster_demo_server: TritonServer
) -> None:
    requests = [(model, picture) for picture in PICTURES for model in (MASK, FASTER)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda request: detect(server, *request), requests))
    for (model, picture), found in zip(requests, together, strict=True):
        alone = demo_server if model == MASK else faster_demo_server
        expected = detect(alone, DEFAULT_NAME, picture)
        assert found.keys() == expected.keys()
        assert ("masks" in found) == (model == MASK)
        assert found["num_detections"][0, 0] > 0
        for name, array in found.items():
            np.testing.assert_array_equal(array, expected[name], err_msg=f"{model}, {name}")


def test_building_one_again_leaves_the_other_as_it_was(tmp_path: Path) -> None:
    repository = build_demo(tmp_path / "repository", "--name", MASK)
    build_faster_demo(repository, tmp_path, "--name", FASTER)
    mask, faster = state(repository, MASK), state(repository, FASTER)
    build_faster_demo(repository, tmp_path, "--name", FASTER, "--max-batch", "4")
    assert state(repository, MASK) == mask
    assert "max_batch_size: 4" in (repository / FASTER / "config.pbtxt").read_text()
    assert state(repository, FASTER).keys() == faster.keys()
    assert not state(repository, FASTER).items() & faster.items()
    assert {entry.name for entry in repository.iterdir()} == {
        *ModelNames(MASK),
        *ModelNames(FASTER),
    }


def state(repository: Path, name: str) -> dict[str, tuple[int, int, str]]:
    """Of each file of a build: which it is on the disk, when it was written, and its content."""
    return {
        str(file.relative_to(repository)): (
            file.stat().st_ino,
            file.stat().st_mtime_ns,
            hashlib.sha256(file.read_bytes()).hexdigest(),
        )
        for model in ModelNames(name)
        for file in (repository / model).rglob("*")
        if file.is_file()
    }
