"""The record of a TensorRT plan that tests of manifests start from, by `dataclasses.replace`."""

from __future__ import annotations

from artifact.gpu import Gpu
from artifact.manifest import FileRecord, Plan

PLAN_ON_AN_A10 = Plan(
    file=FileRecord("model.plan", 4, "1" * 64),
    runtime="tensorrt",
    tensorrt_version="10.16.1.11",
    gpu=Gpu("NVIDIA A10", "8.6"),
    compute_capabilities=("8.6",),
    hardware_compatibility="none",
    version_compatible=False,
    refittable=False,
    optimization_level=3,
    workspace_bytes=None,
    profiles=(),
    build_seconds=61.5,
)
