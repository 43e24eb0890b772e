"""The manifest that a build leaves beside its files: what they were made of, and for what."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from artifact.errors import ArtifactError
from artifact.from_json import from_json
from artifact.gpu import Gpu
from artifact.json_text import parse_json

MANIFEST = "manifest.json"
FORMAT = "mask-rcnn-triton manifest 2"
TITLES = {"tensorrt": "TensorRT", "tensorrt_rtx": "TensorRT-RTX"}
"""The runtimes of plans, as NVIDIA writes them."""


@dataclass(frozen=True)
class FileRecord:
    """A file, by its name and content."""

    name: str
    bytes: int
    sha256: str

    def __post_init__(self) -> None:
        if "/" in self.name or "\0" in self.name:
            raise ValueError(f"the file {self.name!r}, expected was a name without a folder")

    @classmethod
    def read(cls, path: Path) -> FileRecord:
        """Describes `path`; raises OSError if it cannot be read."""
        return cls(path.name, path.stat().st_size, sha256_of(path))


@dataclass(frozen=True)
class Tensor:
    """An input or output of the network."""

    name: str
    data_type: str
    """As Triton names it, less TYPE_: UINT8, INT32, FP32."""
    shape: tuple[int, ...]
    """With the batch; -1 where the size is chosen by the request."""


@dataclass(frozen=True)
class Profile:
    """A TensorRT optimization profile: by input, the smallest, best and largest shape."""

    min: Mapping[str, tuple[int, ...]]
    opt: Mapping[str, tuple[int, ...]]
    max: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Plan:
    """A compiled plan and what it was compiled for."""

    file: FileRecord
    runtime: str
    """A key of `TITLES`."""
    tensorrt_version: str
    gpu: Gpu | None
    """What TensorRT tuned the plan on; None where it compiled without one."""
    compute_capabilities: tuple[str, ...]
    """The GPUs that it was compiled for, such as 8.6."""
    hardware_compatibility: str
    """Further GPUs that load it: none, same_compute_capability or ampere_plus."""
    version_compatible: bool
    refittable: bool
    optimization_level: int
    workspace_bytes: int | None
    """None: all the memory of the GPU."""
    profiles: tuple[Profile, ...]
    """One for each canvas, in the order of Triton's profile indices."""
    build_seconds: float

    def __post_init__(self) -> None:
        if self.runtime not in TITLES:
            raise ValueError(f"runtime {self.runtime!r}, expected was {' or '.join(TITLES)}")

    @property
    def tensorrt(self) -> str:
        """What compiled it, such as TensorRT 10.16.1.11."""
        return f"{TITLES[self.runtime]} {self.tensorrt_version}"


@dataclass(frozen=True)
class Manifest:
    """A build."""

    builder_version: str
    network_version: str
    """Differs whenever the code in builder/network or its onnxscript does."""
    built: str
    """Date and time, ISO 8601, UTC."""
    model: str
    """Such as Mask R-CNN R50-C4."""
    num_classes: int
    weights: FileRecord
    configuration: Mapping[str, Any]
    """detectron2's settings by their dotted names, such as MODEL.MASK_ON: those that decide what
    the network computes, with detectron2's defaults filled in."""
    configuration_sha256: str
    precision: str
    max_batch: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    onnx: FileRecord
    plan: Plan | None

    def write(self, folder: Path) -> None:
        """Writes manifest.json; raises OSError if it cannot be."""
        content = {"format": FORMAT, **asdict(self)}
        (folder / MANIFEST).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read_manifest(path: Path) -> Manifest:
    """Reads a manifest.json.

    Raises:
        ArtifactError: it cannot be read, or is none of this builder's.
    """
    try:
        content = parse_json(path.read_bytes())
        if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
            raise ValueError(f"its format is not {FORMAT!r}")
        manifest: Manifest = from_json(Manifest, content, "manifest")
        return manifest
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ArtifactError(
            f"{path}: is not a manifest as this version of the builder writes it ({error}); "
            "build the repository again"
        ) from error


def sha256_of(path: Path) -> str:
    """The hash of a file's content, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
