"""Triton's model configuration: dataclasses that mirror ``model_config.proto``, written as pbtxt.

Only what this repository's models use is here. A field has the proto's name and meaning; an
object that Triton would refuse cannot be made (ValueError).
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

LINE_LENGTH = 100


class DataType(Enum):
    """The proto's ``DataType``."""

    UINT8 = "TYPE_UINT8"
    INT32 = "TYPE_INT32"
    FP32 = "TYPE_FP32"
    STRING = "TYPE_STRING"


class InstanceKind(Enum):
    """The proto's ``ModelInstanceGroup.Kind``."""

    CPU = "KIND_CPU"
    GPU = "KIND_GPU"


@dataclass(frozen=True)
class Tensor:
    """``ModelInput`` or ``ModelOutput``: `dims` leave out the batch, -1 stands for any size."""

    name: str
    data_type: DataType
    dims: tuple[int, ...]
    allow_ragged_batch: bool = False
    """An input's: requests batch whatever their shapes; the model gets each request's own."""

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a tensor has no name")
        if not self.dims or any(dim < 1 and dim != -1 for dim in self.dims):
            raise ValueError(
                f"tensor {self.name}: dims are {self.dims}; expected one or more sizes, "
                "each positive, or -1 for any"
            )


@dataclass(frozen=True)
class InstanceGroup:
    """``ModelInstanceGroup``."""

    kind: InstanceKind
    count: int
    profile: tuple[str, ...] = ()
    """Indices of the TensorRT optimization profiles that an instance has; none: the first."""

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"an instance group has {self.count} instances; expected 1 or more")
        if self.profile and self.kind != InstanceKind.GPU:
            raise ValueError("an instance group that is not on GPUs has optimization profiles")


@dataclass(frozen=True)
class QueuePolicy:
    """``ModelQueuePolicy``: a request that finds the queue full, or waits too long, is refused."""

    max_queue_size: int
    default_timeout_microseconds: int = 0
    """0: a request waits as long as it takes."""

    def __post_init__(self) -> None:
        if self.max_queue_size < 1 or self.default_timeout_microseconds < 0:
            raise ValueError(f"{self} holds no request, or has a timeout below 0")


@dataclass(frozen=True)
class DynamicBatching:
    """``ModelDynamicBatching``: the batcher takes what waits, and waits for nothing."""

    default_queue_policy: QueuePolicy
    preferred_batch_size: tuple[int, ...] = ()
    """Made of what waits where it is enough for one; otherwise all that waits is a batch."""


@dataclass(frozen=True)
class ModelWarmup:
    """``ModelWarmup``: a request that each instance answers before the model is ready.

    Its tensors are zeros; `inputs` hold their shapes without the batch.
    """

    name: str
    batch_size: int
    inputs: tuple[Tensor, ...]

    def __post_init__(self) -> None:
        if any(dim < 1 for tensor in self.inputs for dim in tensor.dims):
            raise ValueError(f"warm-up {self.name} has an input whose shape is not fixed")


@dataclass(frozen=True)
class EnsembleStep:
    """``ModelEnsembling.Step``: each map goes from the model's tensor to the ensemble's."""

    model_name: str
    input_map: Mapping[str, str]
    output_map: Mapping[str, str]

    def __post_init__(self) -> None:
        if not self.input_map or not self.output_map:
            raise ValueError(f"ensemble step {self.model_name} maps no inputs or no outputs")


@dataclass(frozen=True)
class TritonModelConfig:
    """``ModelConfig``. A model has a `backend`, or `ensemble_steps`."""

    name: str
    max_batch_size: int
    input: tuple[Tensor, ...]
    output: tuple[Tensor, ...]
    backend: str = ""
    platform: str = ""
    default_model_filename: str = ""
    instance_group: tuple[InstanceGroup, ...] = ()
    dynamic_batching: DynamicBatching | None = None
    model_warmup: tuple[ModelWarmup, ...] = ()
    ensemble_steps: tuple[EnsembleStep, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    comment: str = ""
    """For readers of the file; no part of the proto."""

    def __post_init__(self) -> None:
        if self.max_batch_size < 1:
            raise ValueError(
                f"{self.name}: max_batch_size is {self.max_batch_size}; expected 1 or more"
            )
        for side, tensors in (("input", self.input), ("output", self.output)):
            names = [tensor.name for tensor in tensors]
            if not names or len(set(names)) < len(names):
                raise ValueError(f"{self.name}: its {side} is {names}; expected distinct tensors")
        if bool(self.backend) == bool(self.ensemble_steps):
            raise ValueError(f"{self.name}: expected either a backend or ensemble steps")
        if self.ensemble_steps:
            self._check_ensemble()
        if self.dynamic_batching:
            self._check_batch_sizes("dynamic_batching", self.dynamic_batching.preferred_batch_size)
        for warmup in self.model_warmup:
            self._check_batch_sizes(f"warm-up {warmup.name}", (warmup.batch_size,))
            if {tensor.name for tensor in warmup.inputs} != {tensor.name for tensor in self.input}:
                raise ValueError(f"{self.name}: warm-up {warmup.name} has other inputs than it")

    def _check_batch_sizes(self, where: str, sizes: Iterable[int]) -> None:
        if not all(1 <= size <= self.max_batch_size for size in sizes):
            raise ValueError(
                f"{self.name}: {where} has batches of {sizes}; expected 1 to {self.max_batch_size}"
            )

    def _check_ensemble(self) -> None:
        if self.instance_group or self.dynamic_batching or self.model_warmup:
            raise ValueError(
                f"{self.name}: an ensemble has no instance_group, no dynamic_batching and no "
                "model_warmup; its models have"
            )
        known = {tensor.name for tensor in self.input}
        for step in self.ensemble_steps:
            if missing := set(step.input_map.values()) - known:
                raise ValueError(
                    f"{self.name}: step {step.model_name} takes {sorted(missing)}, "
                    "which are neither inputs nor made by a step before it"
                )
            known |= set(step.output_map.values())
        if missing := {tensor.name for tensor in self.output} - known:
            raise ValueError(f"{self.name}: no step makes the output {sorted(missing)}")

    def pbtxt(self) -> str:
        """The configuration in protobuf's text format: the same text for equal objects."""
        lines = [f"# {line}" for line in textwrap.wrap(self.comment, LINE_LENGTH - 2)]
        lines.append(f"name: {_quoted(self.name)}")
        platform = "ensemble" if self.ensemble_steps else self.platform
        for key, value in (
            ("platform", platform),
            ("backend", self.backend),
            ("default_model_filename", self.default_model_filename),
        ):
            if value:
                lines.append(f"{key}: {_quoted(value)}")
        lines.append(f"max_batch_size: {self.max_batch_size}")
        lines += _tensors("input", self.input) + _tensors("output", self.output)
        for group in self.instance_group:
            profile = f" profile: [ {', '.join(map(_quoted, group.profile))} ]"
            lines.append(
                f"instance_group [ {{ kind: {group.kind.value} count: {group.count}"
                f"{profile if group.profile else ''} }} ]"
            )
        if self.dynamic_batching:
            lines += _dynamic_batching(self.dynamic_batching)
        lines += _model_warmup(self.model_warmup)
        if self.ensemble_steps:
            lines += _ensemble(self.ensemble_steps)
        for key, text in self.parameters.items():
            lines += _parameter(key, text)
        return "\n".join(lines) + "\n"


def _tensors(side: str, tensors: Iterable[Tensor]) -> list[str]:
    lines = [
        f"  {{ name: {_quoted(tensor.name)} data_type: {tensor.data_type.value} "
        f"dims: [ {', '.join(map(str, tensor.dims))} ]"
        f"{' allow_ragged_batch: true' if tensor.allow_ragged_batch else ''} }}"
        for tensor in tensors
    ]
    return [f"{side} [", *_separated(lines), "]"]


def _dynamic_batching(batching: DynamicBatching) -> list[str]:
    lines = ["dynamic_batching {"]
    if batching.preferred_batch_size:
        sizes = ", ".join(map(str, batching.preferred_batch_size))
        lines.append(f"  preferred_batch_size: [ {sizes} ]")
    policy = batching.default_queue_policy
    fields = []
    if timeout := policy.default_timeout_microseconds:
        fields += ["timeout_action: REJECT", f"default_timeout_microseconds: {timeout}"]
    fields.append(f"max_queue_size: {policy.max_queue_size}")
    return [*lines, f"  default_queue_policy {{ {' '.join(fields)} }}", "}"]


def _model_warmup(warmups: Iterable[ModelWarmup]) -> list[str]:
    blocks = []
    for warmup in warmups:
        lines = [f"  {{ name: {_quoted(warmup.name)} batch_size: {warmup.batch_size}"]
        for tensor in warmup.inputs:
            value = (
                f"data_type: {tensor.data_type.value} "
                f"dims: [ {', '.join(map(str, tensor.dims))} ] zero_data: true"
            )
            lines.append(f"    inputs {{ key: {_quoted(tensor.name)} value {{ {value} }} }}")
        blocks.append("\n".join([*lines, "  }"]))
    return ["model_warmup [", *_separated(blocks), "]"] if blocks else []


def _ensemble(steps: Iterable[EnsembleStep]) -> list[str]:
    blocks = []
    for step in steps:
        lines = [
            "    {",
            f"      model_name: {_quoted(step.model_name)}",
            "      model_version: -1",
        ]
        for side, names in (("input_map", step.input_map), ("output_map", step.output_map)):
            for key, value in names.items():
                pair = f"key: {_quoted(key)} value: {_quoted(value)}"
                lines.append(f"      {side} {{ {pair} }}")
        blocks.append("\n".join([*lines, "    }"]))
    return ["ensemble_scheduling {", "  step [", *_separated(blocks), "  ]", "}"]


def _parameter(key: str, text: str) -> list[str]:
    value = f"value: {{ string_value: {_quoted(text)} }}"
    line = f"parameters {{ key: {_quoted(key)} {value} }}"
    if len(line) <= LINE_LENGTH:
        return [line]
    # Adjacent literals are one string to protobuf, so a text of several lines stays readable.
    return [
        "parameters {",
        f"  key: {_quoted(key)}",
        "  value: {",
        "    string_value:",
        *(f"      {_quoted(part)}" for part in text.splitlines(keepends=True)),
        "  }",
        "}",
    ]


def _separated(blocks: list[str]) -> list[str]:
    return [block + "," for block in blocks[:-1]] + blocks[-1:]


def _quoted(text: str) -> str:
    """A string literal of protobuf's text format, in the quotes that need the least escaping."""
    quote = "'" if '"' in text and "'" not in text else '"'
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n").replace(quote, "\\" + quote)
    return f"{quote}{escaped}{quote}"
