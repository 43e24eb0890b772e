"""The manifest of a build, see `artifact.manifest`."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import onnx

import builder
from artifact.manifest import FileRecord, Manifest, Plan, Tensor
from artifact.names import ONNX
from builder.config.settings import values_by_key
from builder.errors import BuildError
from builder.network import ModelConfig, NetworkSpec
from builder.network.version import network_version

_TRITON_NAMES = {"FLOAT": "FP32", "FLOAT16": "FP16"}


def write_manifest(
    folder: Path,
    config: ModelConfig,
    spec: NetworkSpec,
    weights: FileRecord,
    precision: str,
    max_batch: int,
    plan: Plan | None,
) -> Manifest:
    """Writes the manifest beside the network in `folder`, and returns it.

    Raises:
        BuildError: a file cannot be read or written.
    """
    configuration = json.dumps(values_by_key(config), sort_keys=True)
    try:
        manifest = Manifest(
            builder_version=builder.__version__,
            network_version=network_version(),
            built=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            weights=weights,
            model=config.model.title,
            num_classes=config.model.num_classes,
            configuration=json.loads(configuration),
            configuration_sha256=hashlib.sha256(configuration.encode()).hexdigest(),
            precision=precision,
            max_batch=max_batch,
            inputs=spec.inputs,
            outputs=spec.outputs,
            onnx=FileRecord.read(folder / ONNX),
            plan=plan,
        )
        manifest.write(folder)
    except OSError as error:
        raise BuildError(f"the manifest cannot be written: {error}") from error
    return manifest


def read_record(file: Path) -> FileRecord:
    """Describes a file.

    Raises:
        BuildError: it cannot be read.
    """
    try:
        return FileRecord.read(file)
    except OSError as error:
        raise BuildError(f"{file}: cannot be read: {error.strerror}") from error


def tensors(values: Iterable[onnx.ValueInfoProto]) -> tuple[Tensor, ...]:
    """Inputs or outputs of an ONNX graph; a size without a number is -1."""
    return tuple(_tensor(value.name, value.type.tensor_type) for value in values)


def _tensor(name: str, tensor: onnx.TypeProto.Tensor) -> Tensor:
    data_type = onnx.TensorProto.DataType.Name(tensor.elem_type)
    sizes = (size.dim_value if size.HasField("dim_value") else -1 for size in tensor.shape.dim)
    return Tensor(name, _TRITON_NAMES.get(data_type, data_type), tuple(sizes))
