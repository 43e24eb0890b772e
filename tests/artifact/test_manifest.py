from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from artifact.errors import ArtifactError
from artifact.manifest import MANIFEST, Plan, Profile, Tensor, read_manifest
from tests.example_plan import BUILD_ON_AN_A10, PLAN_ON_AN_A10

PLAN = dataclasses.replace(
    PLAN_ON_AN_A10, profiles=(Profile({"x": (1, 3)}, {"x": (4, 3)}, {"x": (8, 3)}),)
)
BUILD = dataclasses.replace(
    BUILD_ON_AN_A10,
    configuration={"MODEL.MASK_ON": True, "MODEL.PIXEL_MEAN": [103.53, 116.28, 123.675]},
    inputs=(Tensor("x", "UINT8", (-1, 3)),),
    outputs=(Tensor("y", "FP32", (-1,)),),
    plan=PLAN,
)
CONTENT: dict[str, Any] = json.loads(
    json.dumps({"format": "mask-rcnn-triton manifest 2", **dataclasses.asdict(BUILD)})
)


def values(content: Any, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """The places of all values, but for those of the configuration, which may be anything."""
    if path:
        yield path
    if path[-1:] != ("configuration",) and isinstance(content, dict | list):
        places = content if isinstance(content, dict) else range(len(content))
        for place in places:
            yield from values(content[place], *path, place)


@pytest.mark.parametrize(
    "plan",
    [PLAN, dataclasses.replace(PLAN, gpu=None, workspace_bytes=2**30), None],
    ids=["on a GPU", "without a GPU", "no plan"],
)
def test_what_is_written_is_read_back(plan: Plan | None, tmp_path: Path) -> None:
    build = dataclasses.replace(BUILD, plan=plan)
    build.write(tmp_path)
    assert read_manifest(tmp_path / MANIFEST) == build


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        "{}",
        "null",
        "[" * 100_000,
        json.dumps({**CONTENT, "format": "mask-rcnn-triton manifest 1"}),
        json.dumps({**CONTENT, "more": 1}),
        json.dumps({**CONTENT, "plan": {}}),
        json.dumps({**CONTENT, "onnx": {**CONTENT["onnx"], "name": "model\0.onnx"}}),
        json.dumps({**CONTENT, "onnx": {**CONTENT["onnx"], "name": "../model.onnx"}}),
        json.dumps({**CONTENT, "plan": {**CONTENT["plan"], "runtime": "other"}}),
        json.dumps({key: value for key, value in CONTENT.items() if key != "weights"}),
    ],
)
def test_what_is_no_manifest_is_refused_by_its_path(text: str, tmp_path: Path) -> None:
    path = tmp_path / MANIFEST
    path.write_text(text)
    with pytest.raises(ArtifactError, match=r"manifest\.json: is not a manifest .* build the rep"):
        read_manifest(path)


@pytest.mark.parametrize(
    "place", list(values(CONTENT)), ids=lambda place: ".".join(map(str, place))
)
def test_a_value_of_another_type_is_refused_by_its_place(
    place: tuple[str | int, ...], tmp_path: Path
) -> None:
    content = copy.deepcopy(CONTENT)
    changed: Any = content
    for step in place[:-1]:
        changed = changed[step]
    changed[place[-1]] = [[None]]
    path = tmp_path / MANIFEST
    path.write_text(json.dumps(content))
    with pytest.raises(ArtifactError) as error:
        read_manifest(path)
    named = (
        "format"
        if place == ("format",)
        else "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    )
    assert named in str(error.value)


def test_a_manifest_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"manifest\.json: cannot be read: No such file"):
        read_manifest(tmp_path / MANIFEST)
