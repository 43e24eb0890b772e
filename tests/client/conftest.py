"""A real tritonserver whose mask_rcnn answers from detectron2's own results on the demo.

It says at once what the network would take its time for, so that the client can be tried on
everything that happens on the way: broken runs, refusals, servers that go away.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from server.launch import TritonServer

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
        json.loads((DEMO / "detectron2_results.json").read_text()),
    )


def write_recorded_repository(
    folder: Path,
    demo: Demo,
    *,
    name: str = "mask_rcnn",
    has_masks: bool = True,
    delay_s: float = DELAY_S,
    further: str = "",
) -> Path:
    """A model repository with the stand-in alone; returns `folder`.

    further: lines for its config.pbtxt.
    """
    by_image = defaultdict(list)
    for result in demo.results:
        by_image[result["image_id"]].append(result)
    answers = {
        hashlib.sha256((demo.images / image["file_name"]).read_bytes()).hexdigest(): by_image[
            image["id"]
        ]
        for image in demo.content["images"]
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
def recorded_repository(tmp_path_factory: pytest.TempPathFactory, demo: Demo) -> Path:
    return write_recorded_repository(tmp_path_factory.mktemp("recorded"), demo)


@pytest.fixture(scope="session")
def slow_repository(tmp_path_factory: pytest.TempPathFactory, demo: Demo) -> Path:
    """For what has to happen before all pictures are answered."""
    folder = tmp_path_factory.mktemp("slow")
    return write_recorded_repository(folder, demo, delay_s=SLOW_DELAY_S)


@pytest.fixture(scope="session")
def recorded_server(recorded_repository: Path) -> Iterator[TritonServer]:
    with TritonServer(recorded_repository, exit_timeout_secs=0) as server:
        yield server


@pytest.fixture(scope="session")
def boxes_only_server(
    tmp_path_factory: pytest.TempPathFactory, demo: Demo
) -> Iterator[TritonServer]:
    """The stand-in for a Faster R-CNN."""
    folder = tmp_path_factory.mktemp("boxes_only")
    with TritonServer(
        write_recorded_repository(folder, demo, has_masks=False), exit_timeout_secs=0
    ) as server:
        yield server


@pytest.fixture(scope="session")
def other_models_server(
    tmp_path_factory: pytest.TempPathFactory, demo: Demo
) -> Iterator[TritonServer]:
    """A server without a model mask_rcnn."""
    folder = tmp_path_factory.mktemp("other_models")
    with TritonServer(
        write_recorded_repository(folder, demo, name="other"), exit_timeout_secs=0
    ) as server:
        yield server
