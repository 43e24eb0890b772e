from __future__ import annotations

import dataclasses
import json

import pytest

from artifact.errors import ArtifactError
from artifact.manifest import (
    MANIFEST,
    FileRecord,
    Manifest,
    Profile,
    Tensor,
    read_manifest,
)
from tests.example_plan import PLAN_ON_AN_A10

PLAN = dataclasses.replace(
    PLAN_ON_AN_A10,
    profiles=(Profile({"x": (1, 3)}, {"x": (4, 3)}, {"x": (8, 3)}),),
    build_seconds=12.5,
)
BUILD = Manifest(
    builder_version="0.1.0",
    network_version="0123456789ab",
    built="2025-01-01T00:00:00+00:00",
    weights=FileRecord("weights.pkl", 3, "2" * 64),
    model="Mask R-CNN R50-C4",
    num_classes=80,
    configuration={"MODEL.MASK_ON": True, "MODEL.PIXEL_MEAN": [103.53, 116.28, 123.675]},
    configuration_sha256="3" * 64,
    precision="fp16",
    max_batch=8,
    inputs=(Tensor("x", "UINT8", (-1, 3)),),
    outputs=(Tensor("y", "FP32", (-1,)),),
    onnx=FileRecord("model.onnx", 5, "4" * 64),
    plan=PLAN,
)
CONTENT = {"format": "mask-rcnn-triton manifest 2", **dataclasses.asdict(BUILD)}


@pytest.mark.parametrize(
    "plan",
    [PLAN, dataclasses.replace(PLAN, gpu=None, workspace_bytes=2**30), None],
    ids=["on a GPU", "without a GPU", "no plan"],
)
def test_what_is_written_is_read_back(plan, tmp_path):
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
        json.dumps({**CONTENT, "plan": {**CONTENT["plan"], "runtime": "other"}}),
        json.dumps({**CONTENT, "onnx": "model.onnx"}),
        json.dumps({**CONTENT, "inputs": [1]}),
        json.dumps({key: value for key, value in CONTENT.items() if key != "weights"}),
    ],
)
def test_what_is_no_manifest_is_refused_by_its_path(text, tmp_path):
    path = tmp_path / MANIFEST
    path.write_text(text)
    with pytest.raises(ArtifactError, match=r"manifest\.json: is not a manifest .* build the rep"):
        read_manifest(path)


def test_a_manifest_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ArtifactError, match=r"manifest\.json: cannot be read: No such file"):
        read_manifest(tmp_path / MANIFEST)
