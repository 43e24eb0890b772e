"""Whether a TensorRT plan can be loaded on a machine, told by its manifest without loading it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from artifact.gpu import Gpu
from artifact.manifest import FileRecord, Manifest, Plan, sha256_of

AMPERE = (8, 0)


def plan_faults(
    manifest: Manifest, folder: Path, version: str | None, gpus: Sequence[Gpu]
) -> list[str]:
    """Returns what keeps Triton's TensorRT backend from loading the plan, a line for each reason.

    Args:
        manifest: of `folder`.
        folder: where the plan lies.
        version: of the TensorRT that is to load it; None if it is not known.
        gpus: those that it is to run on; none if they are not known.
    """
    plan = manifest.plan
    if plan is None:
        return ["contents: there is no plan; the model was built for ONNX Runtime alone"]
    if plan.runtime != "tensorrt":
        return [
            f"version: it was compiled by {plan.tensorrt}, which Triton's TensorRT backend does "
            "not load"
        ]
    return [
        *file_faults(plan.file, folder),
        *version_faults(plan, version),
        *gpu_faults(plan, gpus),
    ]


def file_faults(record: FileRecord, folder: Path) -> list[str]:
    """Returns how the file `record.name` in `folder` differs from what the build wrote."""
    path = folder / record.name
    try:
        size = path.stat().st_size
        if size != record.bytes:
            return [f"contents: {size:,} bytes of the {record.bytes:,} that the build wrote"]
        if (sha256 := sha256_of(path)) != record.sha256:
            return [
                f"contents: changed since the build: SHA-256 {sha256[:12]}…, "
                f"{record.sha256[:12]}… when it was written"
            ]
    except OSError as error:
        return [f"contents: cannot be read: {error.strerror}"]
    return []


def version_faults(plan: Plan, version: str | None) -> list[str]:
    """Returns why TensorRT `version`, as far as it is known, does not load the plan."""
    if version is None:
        return []
    ours, theirs = (_numbers(text) for text in (plan.tensorrt_version, version))
    known = min(len(ours), len(theirs))
    if ours[:known] == theirs[:known]:
        return []
    if not plan.version_compatible:
        return [
            f"version: it was compiled by {plan.tensorrt} and loads in that version alone; here "
            f"is {version}"
        ]
    if ours[0] == theirs[0] and ours[:known] < theirs[:known]:
        return []
    return [
        f"version: it was compiled by {plan.tensorrt} and loads in that and later versions of "
        f"TensorRT {ours[0]}; here is {version}"
    ]


def gpu_faults(plan: Plan, gpus: Sequence[Gpu]) -> list[str]:
    """Returns which of the GPUs do not load the plan."""
    return [
        f"GPU: it was compiled for {_target(plan)}; here is {gpu}"
        for gpu in gpus
        if not _runs_on(plan, gpu)
    ]


def _runs_on(plan: Plan, gpu: Gpu) -> bool:
    if plan.hardware_compatibility == "ampere_plus":
        return _numbers(gpu.compute_capability) >= AMPERE
    return gpu.compute_capability in plan.compute_capabilities


def _target(plan: Plan) -> str:
    if plan.hardware_compatibility == "ampere_plus":
        return "compute capability 8.0 and later"
    capabilities = f"compute capability {', '.join(plan.compute_capabilities)}"
    return capabilities if plan.gpu is None else f"{capabilities} (on {plan.gpu.name})"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))
