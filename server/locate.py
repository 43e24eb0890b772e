"""Where a tritonserver may be, in order: on PATH, in NVIDIA's container, in the pip wheel."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from server import wheel
from server.errors import ServerError
from server.plain_path import PlainPath

CONTAINER_BINARY = Path("/opt/tritonserver/bin/tritonserver")


@dataclass(frozen=True)
class Installation:
    """A tritonserver that can run here."""

    source: str
    """Where it was found, as a phrase for messages."""
    binary: Path
    backends: Path | None
    """Folder for --backend-directory; None leaves tritonserver its own default."""
    environment: Mapping[str, str]
    """The whole environment to start it with."""


def find_tritonserver(scratch: Path, environment: Mapping[str, str]) -> Installation:
    """Finds the tritonserver to run and checks that it can run.

    Args:
        scratch: an existing folder that outlives the server, for links to backends.
        environment: the variables that the server is to inherit; PATH is searched first.

    Raises:
        ServerError: there is none, or the wheel's cannot run under this Python.
    """
    on_path = shutil.which("tritonserver", path=environment.get("PATH"))
    if on_path is not None:
        return _installed(f"on PATH ({on_path})", Path(on_path), scratch, environment)
    if CONTAINER_BINARY.exists():
        return _installed(str(CONTAINER_BINARY), CONTAINER_BINARY, scratch, environment)
    found = wheel.find()
    if found is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise ServerError(
            f"no tritonserver: none on PATH, none at {CONTAINER_BINARY}, and {wheel.REQUIREMENT} "
            f"is not installed for {sys.executable} (Python {version}). Install the wheel with "
            f"pip install {wheel.REQUIREMENT} 'numpy<2' (Python 3.10 to 3.12), or run this inside "
            "NVIDIA's Triton container"
        )
    extended = wheel.environment(found, environment)
    wheel.check(found, extended)
    return Installation(
        source=f"from the {wheel.REQUIREMENT} wheel",
        binary=found.binary,
        backends=wheel.link_backends(found, scratch),
        environment=extended,
    )


def _installed(
    source: str, binary: Path, scratch: Path, environment: Mapping[str, str]
) -> Installation:
    # Triton itself looks in /opt/tritonserver/backends, wherever its binary lies.
    beside = binary.resolve().parent.parent / "backends"
    backends = PlainPath.of(beside, scratch / "backends").plain if beside.is_dir() else None
    return Installation(source, binary, backends, dict(environment))
