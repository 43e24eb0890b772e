"""What `python -m builder build` says at its end: what was built, and how to serve it."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from artifact.manifest import FileRecord, Manifest, Plan
from builder.network import ModelConfig
from builder.repository.canvases import canvases
from builder.repository.categories import Category
from builder.repository.write import NETWORK_FOLDER


def summary(
    repository: Path,
    config: ModelConfig,
    shapes: Mapping[str, tuple[int, ...]],
    categories: Sequence[Category],
    manifest: Manifest,
) -> str:
    """The lines, as one text.

    Args:
        shapes: of the network's parameters.
    """
    parameters = sum(math.prod(shape) for shape in shapes.values())
    sizes = ", ".join(f"{height}x{width}" for height, width in canvases(config))
    names = ", ".join(category.name for category in categories[:3])
    lines = [
        f"model        {config.model.title}, {parameters:,} parameters, {manifest.precision}",
        f"input        {config.input.min_size_test}/{config.input.max_size_test} px on canvases of "
        f"{sizes}, "
        f"up to {manifest.max_batch} a batch",
        f"classes      {len(categories)}: {names}{', …' if len(categories) > 3 else ''}",
        f"network      {_file(repository, manifest.onnx)}, for ONNX Runtime",
    ]
    if manifest.plan:
        lines.append(
            f"plan         {_file(repository, manifest.plan.file)}, {_made_for(manifest.plan)}"
        )
    return "\n".join([*lines, "", *_how_to_serve(repository, manifest.plan)])


def _file(repository: Path, record: FileRecord) -> str:
    return f"{repository / NETWORK_FOLDER / record.name} ({record.bytes / 1e6:.1f} MB)"


def _made_for(plan: Plan) -> str:
    capabilities = ", ".join(plan.compute_capabilities)
    on = f" of {plan.gpu.name}" if plan.gpu else ""
    compatible = plan.hardware_compatibility.replace("_", " ")
    further = "" if compatible == "none" else f", compatible: {compatible}"
    return f"{plan.tensorrt} for compute capability {capabilities}{on}{further}"


def _how_to_serve(repository: Path, plan: Plan | None) -> list[str]:
    command = f"  python -m server --repository {shlex.quote(str(repository))}"
    in_onnxruntime = f"{command} --model-config-name onnxruntime"
    if plan is None:
        return ["Serve it with", in_onnxruntime]
    if plan.runtime != "tensorrt":
        return [
            "Triton's TensorRT backend does not load plans of TensorRT-RTX: this one is for",
            "applications that use TensorRT-RTX themselves. Serve the network beside it with",
            in_onnxruntime,
        ]
    if plan.version_compatible:
        # The plan carries code, which the backend runs only where it is told to.
        command += " -- --backend-config=tensorrt,version-compatible=true"
    return ["Serve the plan with", command, "or the network beside it with", in_onnxruntime]
