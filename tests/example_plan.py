"""The records of a TensorRT build that tests start from, by `dataclasses.replace`."""

from __future__ import annotations

from artifact.gpu import Gpu
from artifact.manifest import FileRecord, Manifest, Plan

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
BUILD_ON_AN_A10 = Manifest(
    builder_version="0.1.0",
    network_version="0123456789ab",
    built="2025-01-01T00:00:00+00:00",
    model="Mask R-CNN R50-C4",
    num_classes=80,
    weights=FileRecord("weights.pkl", 3, "2" * 64),
    configuration={},
    configuration_sha256="3" * 64,
    precision="fp16",
    max_batch=8,
    inputs=(),
    outputs=(),
    onnx=FileRecord("model.onnx", 5, "4" * 64),
    plan=PLAN_ON_AN_A10,
)
