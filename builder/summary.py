"""What `python -m builder build` says at its end: what was built, and how to use it."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from pathlib import Path

from artifact.manifest import FileRecord, Manifest, Plan
from artifact.names import DEFAULT_NAME, ModelNames
from builder.network import ModelConfig, NetworkSpec
from builder.repository.canvases import canvases
from builder.repository.categories import Category


def summary(
    repository: Path,
    names: ModelNames,
    config: ModelConfig,
    spec: NetworkSpec,
    categories: Sequence[Category],
    manifest: Manifest,
) -> str:
    """The lines, as one text."""
    parameters = sum(map(math.prod, spec.parameters.shapes.values()))
    sizes = ", ".join(f"{height}x{width}" for height, width in canvases(config))
    first = ", ".join(category.name for category in categories[:3])
    network = repository / names.network_folder
    lines = [
        f"model        {config.model.title}, {parameters:,} parameters, {manifest.precision}",
        f"input        {config.input.min_size_test}/{config.input.max_size_test} px on canvases of "
        f"{sizes}, "
        f"up to {manifest.max_batch} a batch",
        f"classes      {len(categories)}: {first}{', …' if len(categories) > 3 else ''}",
        f"served as    {names.ensemble}, made of {names.preprocess}, {names.network}, "
        f"{names.postprocess}",
        f"network      {_file(network, manifest.onnx)}, for ONNX Runtime",
    ]
    if manifest.plan:
        lines.append(
            f"plan         {_file(network, manifest.plan.file)}, {_made_for(manifest.plan)}"
        )
    how = [*_how_to_serve(repository, manifest.plan), *_how_to_evaluate(names.ensemble)]
    return "\n".join([*lines, "", *how])


def _file(folder: Path, record: FileRecord) -> str:
    return f"{folder / record.name} ({record.bytes / 1e6:.1f} MB)"


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


def _how_to_evaluate(name: str) -> list[str]:
    model = "" if name == DEFAULT_NAME else f" --model {name}"
    return [
        "and evaluate it with",
        f"  python -m client evaluate{model} --images DIR --annotations FILE",
    ]
