"""The TensorRT that a tritonserver loads plans with."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from server.locate import Installation

DEFAULT_BACKENDS = Path("/opt/tritonserver/backends")
BACKEND = Path("tensorrt") / "libtriton_tensorrt.so"


def tensorrt_version(installation: Installation) -> str | None:
    """Returns the version, such as 10.16.1, of the libnvinfer that Triton's backend loads.

    None where there is no such backend, or the library's name does not tell its version.
    """
    backend = (installation.backends or DEFAULT_BACKENDS) / BACKEND
    library = linked_library(backend, "libnvinfer.so", installation.environment)
    return None if library is None else version_in_name(library.resolve())


def linked_library(
    program: Path, name: str, environment: Mapping[str, str] | None = None
) -> Path | None:
    """Returns the file that the loader takes for the library `name` (any version) of `program`."""
    try:
        listing = subprocess.run(
            ["ldd", program], env=environment, capture_output=True, text=True, check=False
        ).stdout
    except OSError:  # no ldd
        return None
    found = re.search(rf"^\s*{re.escape(name)}\S* => (/.+) \(0x", listing, re.MULTILINE)
    return Path(found[1]) if found else None


def version_in_name(library: Path) -> str | None:
    """Returns 10.16.1 of libnvinfer.so.10.16.1; None for a name with less than two parts of it."""
    found = re.search(r"\.so\.(\d+\.\d[\d.]*)$", library.name)
    return found[1] if found else None
