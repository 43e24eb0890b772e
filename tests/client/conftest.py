"""A real tritonserver whose model answers from detectron2's own results on the demo.

It says at once what the network would take its time for, so that the client can be tried on
everything that happens on the way: broken runs, refusals, servers that go away.
"""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artifact.names import DEFAULT_NAME
from client.coco.summary import Summary
from client.connection.settings import Connection
from client.evaluate import evaluate
from client.result_files import RESULTS
from server.launch import TritonServer
from tests.client.videos import Pixels

DEMO = Path(__file__).parents[2] / "demo"
IMAGES = DEMO / "val" / "images"
ANNOTATIONS = DEMO / "val" / "instances.json"

DELAY_S = 0.01
SLOW_DELAY_S = 0.03

CONFIG = """
name: "{name}"
backend: "python"
max_batch_size: 8
input [ {{ name: "image" data_type: TYPE_STRING dims: [ 1 ] }} ]
output [
  {{ name: "num_detections" data_type: TYPE_INT32 dims: [ 1 ] }},
  {{ name: "boxes" data_type: TYPE_FP32 dims: [ 100, 4 ] }},
  {{ name: "scores" data_type: TYPE_FP32 dims: [ 100 ] }},
  {{ name: "category_ids" data_type: TYPE_INT32 dims: [ 100 ] }}{masks}
]
parameters {{ key: "categories" value: {{ string_value: {categories} }} }}
instance_group [ {{ kind: KIND_CPU count: 1 }} ]
{further}
"""


@dataclass(frozen=True)
class Demo:
    """The demo's pictures, annotations, and detectron2's results on them."""

    images: Path
    annotations: Path
    content: dict[str, Any]
    results: list[dict[str, Any]]


@pytest.fixture(scope="session")
def demo() -> Demo:
    return Demo(
        IMAGES,
        ANNOTATIONS,
        json.loads(ANNOTATIONS.read_text()),
        json.loads((DEMO / "mask_rcnn_R_50_C4_shapes.results.json").read_text()),
    )


def write_recorded_repository(
    folder: Path,
    demo: Demo,
    *,
    name: str = DEFAULT_NAME,
    has_masks: bool = True,
    delay_s: float = DELAY_S,
    further: str = "",
) -> Path:
    """Put a stand-in into the model repository `folder`, and return that.

    Args:
        folder: other models in it stay.
        demo: the pictures that it knows, and what it answers.
        name: the model's.
        has_masks: whether it returns masks.
        delay_s: how long it takes for each picture, in seconds.
        further: lines for its config.pbtxt.
    """
    by_image = defaultdict(list)
    for result in demo.results:
        by_image[result["image_id"]].append(result)
    answers = {
        hashlib.sha256(content).hexdigest(): by_image[image["id"]]
        for image in demo.content["images"]
        for content in as_they_are_sent(demo.images / image["file_name"])
    }
    version = folder / name / "1"
    version.mkdir(parents=True)
    shutil.copy(Path(__file__).parent / "recorded" / "model.py", version)
    (version / "answers.json").write_text(json.dumps(answers))
    (version / "delay_s.json").write_text(json.dumps(delay_s))
    categories = [{"id": c["id"], "name": c["name"]} for c in demo.content["categories"]]
    masks = ',\n  { name: "masks" data_type: TYPE_STRING dims: [ 100 ] }' if has_masks else ""
    (version.parent / "config.pbtxt").write_text(
        CONFIG.format(
            name=name,
            masks=masks,
            categories=json.dumps(json.dumps(categories)),
            further=further,
        )
    )
    return folder


@pytest.fixture(scope="session")
def pictures(demo: Demo) -> dict[int, Pixels]:
    """The demo's of 333x251 pixels by their image ids, uint8 [251, 333, 3] in RGB."""
    found = {}
    for image in demo.content["images"]:
        if (image["width"], image["height"]) == (333, 251):
            with Image.open(demo.images / image["file_name"]) as picture:
                found[image["id"]] = np.asarray(picture.convert("RGB"))
    return found


def as_they_are_sent(picture: Path) -> Iterator[bytes]:
    """The content of a picture's file, and that of its pixels as a frame of a video."""
    yield picture.read_bytes()
    with Image.open(picture) as image:
        yield b"P6 %d %d 255\n" % image.size + image.convert("RGB").tobytes()


@pytest.fixture(params=["grpc", "http"])
def protocol(request: pytest.FixtureRequest) -> str:
    """Each of the two, for a test of its own."""
    return str(request.param)


def connection_to(server: TritonServer, protocol: str = "grpc", **settings: Any) -> Connection:
    """A connection to `server` alone."""
    url = server.grpc_url if protocol == "grpc" else server.http_url
    return Connection(url, protocol, **settings)


def options_for(server: TritonServer, protocol: str) -> list[str]:
    """The command line's for `connection_to`."""
    return ["--url", str(connection_to(server, protocol).url), "--protocol", protocol]


def evaluate_demo(demo: Demo, connection: Connection, output: Path, **further: Any) -> Summary:
    """Evaluate the model on the whole data set, or as `further` arguments of `evaluate` say."""
    return evaluate(
        demo.images, demo.annotations, connection, output=output, progress=False, **further
    )


@pytest.fixture(scope="session")
def recorded_repository(tmp_path_factory: pytest.TempPathFactory, demo: Demo) -> Path:
    return write_recorded_repository(tmp_path_factory.mktemp("recorded"), demo)


@pytest.fixture(scope="session")
def slow_repository(tmp_path_factory: pytest.TempPathFactory, demo: Demo) -> Path:
    """For what has to happen before all pictures are answered."""
    folder = tmp_path_factory.mktemp("slow")
    return write_recorded_repository(folder, demo, delay_s=SLOW_DELAY_S)


@pytest.fixture(scope="session")
def boxes_only_repository(tmp_path_factory: pytest.TempPathFactory, demo: Demo) -> Path:
    """The stand-in for a Faster R-CNN."""
    folder = tmp_path_factory.mktemp("boxes_only")
    return write_recorded_repository(folder, demo, has_masks=False)


@pytest.fixture(scope="session")
def renumbered_demo(tmp_path_factory: pytest.TempPathFactory, demo: Demo) -> Demo:
    """The demo with other ids and names for its categories."""
    content, results = copy.deepcopy((demo.content, demo.results))
    for entry in [*content["annotations"], *results]:
        entry["category_id"] += 100
    for category in content["categories"]:
        category.update(id=category["id"] + 100, name=f"{category['name']} again")
    annotations = tmp_path_factory.mktemp("renumbered") / "instances.json"
    annotations.write_text(json.dumps(content))
    return Demo(demo.images, annotations, content, results)


@pytest.fixture(scope="session")
def two_models_repository(
    tmp_path_factory: pytest.TempPathFactory, demo: Demo, renumbered_demo: Demo
) -> Path:
    """Models `shapes` and `renumbered`, each for its own data set, and none of the usual name."""
    folder = tmp_path_factory.mktemp("two_models")
    write_recorded_repository(folder, demo, name="shapes")
    return write_recorded_repository(folder, renumbered_demo, name="renumbered")


@pytest.fixture(scope="session")
def recorded_server(recorded_repository: Path) -> Iterator[TritonServer]:
    yield from served(recorded_repository)


@pytest.fixture(scope="session")
def boxes_only_server(boxes_only_repository: Path) -> Iterator[TritonServer]:
    yield from served(boxes_only_repository)


@pytest.fixture(scope="session")
def two_models_server(two_models_repository: Path) -> Iterator[TritonServer]:
    yield from served(two_models_repository)


def finished(output: Path) -> int:
    """The pictures that an evaluation has finished so far."""
    file = output / RESULTS
    return max(file.read_bytes().count(b"\n") - 1, 0) if file.exists() else 0


def wait_until(condition: Callable[[], bool]) -> None:
    """For half a minute at most."""
    give_up_at = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up_at, "it did not happen within 30 s"
        time.sleep(0.01)


@pytest.fixture
def recorded_options(recorded_server: TritonServer, protocol: str) -> list[str]:
    """The command line's for a connection to `recorded_server`."""
    return options_for(recorded_server, protocol)


def served(repository: Path) -> Iterator[TritonServer]:
    """One server, whose end is no test's subject."""
    with TritonServer(repository, exit_timeout_secs=0) as server:
        yield server
