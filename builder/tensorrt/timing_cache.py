"""How long kernels took, kept from build to build: a second build measures only what is new."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from artifact.gpu import Gpu
from artifact.whole_file import whole_file
from builder.errors import BuildError
from builder.tensorrt.bindings import Bindings


def cache_file(folder: Path, bindings: Bindings, gpu: Gpu) -> Path:
    """The file of one TensorRT on one kind of GPU; timings of others are of no use to it."""
    gpu_name = re.sub(r"[^A-Za-z0-9]+", "-", gpu.name)
    return folder / f"{bindings.runtime}-{bindings.version}-{gpu_name}.timing"


def load_timing_cache(builder_config: Any, file: Path) -> Any:
    """Gives a build the timings in `file`; none if it is missing, or TensorRT does not take it.

    Returns:
        TensorRT's cache, to which the build adds. Keep it for as long as the build.

    Raises:
        BuildError: the file cannot be read.
    """
    try:
        timings = file.read_bytes()
    except FileNotFoundError:
        timings = b""
    except OSError as error:
        raise BuildError(f"{file}: cannot be read: {error.strerror}") from error
    cache = builder_config.create_timing_cache(timings)
    if cache is None or not builder_config.set_timing_cache(cache, False):
        cache = builder_config.create_timing_cache(b"")
        builder_config.set_timing_cache(cache, False)
    return cache


def save_timing_cache(cache: Any, file: Path) -> None:
    """Writes what a build measured to `file`, which another build may read meanwhile.

    Raises:
        OSError: it cannot be written.
    """
    timings = cache.serialize()
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(file) as unfinished:
        unfinished.write_bytes(timings)
