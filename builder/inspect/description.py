"""What a manifest or an ONNX file says, as text for people."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import onnx

from artifact.manifest import FileRecord, Manifest, Plan, Profile, Tensor
from builder.build_record import tensors

COLUMN = 15
"""Width of the titles on the left."""


def describe_manifest(manifest: Manifest) -> str:
    """All that is in it."""
    configuration = manifest.configuration
    lines = [
        *_entry(
            "model",
            f"{manifest.model}, {manifest.num_classes} classes, {manifest.precision}, up to "
            f"{manifest.max_batch} pictures a batch",
        ),
        *_entry(
            "built",
            f"{manifest.built} by builder {manifest.builder_version}, "
            f"network {manifest.network_version}",
        ),
        *_entry("weights", _file(manifest.weights)),
        *_entry("network", _file(manifest.onnx)),
        *_entry("inputs", *map(_tensor, manifest.inputs)),
        *_entry("outputs", *map(_tensor, manifest.outputs)),
    ]
    if manifest.plan:
        lines += _entry("plan", _file(manifest.plan.file), *_plan(manifest.plan))
        lines += _entry("profiles", *_profiles(manifest.plan.profiles))
    settings = (f"{name} = {value}" for name, value in sorted(configuration.items()))
    lines += _entry("configuration", f"sha256 {manifest.configuration_sha256}", *settings)
    return "\n".join(lines)


def describe_onnx(model: onnx.ModelProto) -> str:
    """What can be seen of a network without its manifest."""
    weights = sum(math.prod(tensor.dims) for tensor in model.graph.initializer)
    types = {onnx.TensorProto.DataType.Name(t.data_type) for t in model.graph.initializer}
    opsets = ", ".join(f"{o.domain or 'ai.onnx'} {o.version}" for o in model.opset_import)
    return "\n".join(
        [
            *_entry("made by", f"{model.producer_name or 'unknown'} {model.producer_version}"),
            *_entry("format", f"ONNX IR {model.ir_version}, operators {opsets}"),
            *_entry("network", f"{len(model.graph.node):,} nodes, {weights:,} constant values"),
            *_entry("types", ", ".join(sorted(types))),
            *_entry("inputs", *map(_tensor, tensors(model.graph.input))),
            *_entry("outputs", *map(_tensor, tensors(model.graph.output))),
        ]
    )


def _entry(title: str, *lines: str) -> list[str]:
    titles = [title] + [""] * (len(lines) - 1)
    return [f"{left:{COLUMN}}{line}".rstrip() for left, line in zip(titles, lines, strict=True)]


def _file(record: FileRecord) -> str:
    return f"{record.name}, {record.bytes:,} bytes, sha256 {record.sha256}"


def _tensor(tensor: Tensor) -> str:
    return f"{tensor.name:22}{tensor.data_type:6}{list(tensor.shape)}"


def _plan(plan: Plan) -> list[str]:
    on = f", built on {plan.gpu}" if plan.gpu else ""
    gib = plan.workspace_bytes and f"{plan.workspace_bytes / 2**30:g} GiB"
    return [
        f"{plan.tensorrt} for compute capability "
        f"{', '.join(plan.compute_capabilities)}{on}, in {plan.build_seconds} s",
        f"hardware compatibility {plan.hardware_compatibility}, "
        f"version compatible {_yes(plan.version_compatible)}, "
        f"refittable {_yes(plan.refittable)}",
        f"optimization level {plan.optimization_level}, workspace {gib or 'all of the GPU'}",
    ]


def _profiles(profiles: Sequence[Profile]) -> Iterable[str]:
    for index, profile in enumerate(profiles):
        for name in profile.min:
            bounds = (profile.min[name], profile.opt[name], profile.max[name])
            shapes = ("x".join(map(str, shape)) for shape in bounds)
            yield f"{index}  {name:12}{'  '.join(shapes)}"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
