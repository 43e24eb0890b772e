"""Builds of several names in one repository and one server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tritonclient.grpc import InferenceServerClient, InferInput

from artifact.names import DEFAULT_NAME, ModelNames
from server.launch import TritonServer
from tests.demo_build import DEMO, build_demo, build_faster_demo

MASK, FASTER = "shapes", "shapes.boxes-only"
PICTURES = [path.read_bytes() for path in sorted((DEMO / "val" / "images").iterdir())[:4]]

Arrays = dict[str, npt.NDArray[Any]]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's model as it is, and without its mask head."""
    folder = tmp_path_factory.mktemp("several_builds")
    build_demo(folder / "repository", "--name", MASK)
    return build_faster_demo(folder / "repository", folder, "--name", FASTER)


@pytest.fixture(scope="module")
def server(repository: Path) -> Iterator[TritonServer]:
    with TritonServer(repository, model_config_name="onnxruntime", exit_timeout_secs=0) as server:
        yield server


def detect(server: TritonServer, model: str, picture: bytes) -> Arrays:
    image = InferInput("image", [1, 1], "BYTES")
    image.set_data_from_numpy(np.array([[picture]], np.object_))
    with InferenceServerClient(server.grpc_url) as client:
        result = client.infer(model, [image])
    return {output.name: result.as_numpy(output.name) for output in result.get_response().outputs}


def test_both_are_served_each_with_steps_of_its_own(server: TritonServer) -> None:
    assert server.models == sorted([*ModelNames(MASK), *ModelNames(FASTER)])


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
