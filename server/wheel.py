"""The tritonserver inside the nvidia-pytriton wheel: a real one, for machines without a container.

Its python backend comes in pieces: the library, and one stub program for each Python version,
which becomes the interpreter that a python model runs in. Triton wants the two side by side.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from server.errors import ServerError

REQUIREMENT = "nvidia-pytriton==0.7.0"


@dataclass(frozen=True)
class Wheel:
    """The folders of an installed nvidia-pytriton."""

    tritonserver: Path
    libraries: Path

    @property
    def binary(self) -> Path:
        return self.tritonserver / "bin" / "tritonserver"


def find() -> Wheel | None:
    """Returns the wheel installed for the running Python, or None."""
    # Looked up, not imported: its Python code needs packages that its binaries do not.
    spec = importlib.util.find_spec("pytriton")
    if spec is None or not spec.submodule_search_locations:
        return None
    package = Path(spec.submodule_search_locations[0])
    return Wheel(package / "tritonserver", package.parent / "nvidia_pytriton.libs")


def check(wheel: Wheel, environment: Mapping[str, str]) -> None:
    """Raises ServerError if the running Python cannot run python models with this wheel.

    Args:
        environment: the variables that the server will run with.
    """
    _check_numpy()
    check_libraries(stub(wheel, sys.version_info[:2]), environment)
    check_libraries(wheel.binary, environment)


def link_backends(wheel: Wheel, scratch: Path) -> Path:
    """Links the python backend's pieces into one folder under ``scratch``.

    Returns:
        the folder for --backend-directory.
    """
    backend = scratch / "backends" / "python"
    backend.mkdir(parents=True)
    library = wheel.tritonserver / "backends" / "python"
    for piece in [*library.glob("*.*"), stub(wheel, sys.version_info[:2])]:
        (backend / piece.name).symlink_to(piece)
    return backend.parent


def environment(wheel: Wheel, inherited: Mapping[str, str]) -> dict[str, str]:
    """Returns ``inherited`` with what the wheel's programs need to start.

    The stub ignores PYTHONPATH, but like any Python it finds its prefix, a virtual environment
    included, through the first ``python3`` on PATH. It links the shared libpython, which may lie
    outside the loader's usual folders.
    """
    libraries = [wheel.libraries, *_libpython_folders()]
    return {
        **inherited,
        "PATH": _prepend([Path(sys.executable).parent], inherited.get("PATH")),
        "LD_LIBRARY_PATH": _prepend(libraries, inherited.get("LD_LIBRARY_PATH")),
    }


def stub(wheel: Wheel, python_version: tuple[int, ...]) -> Path:
    """Returns the program that becomes the interpreter of a python model.

    Raises:
        ServerError: the wheel has none for this version, (3, 11) for example.
    """
    stubs = wheel.tritonserver / "python_backend_stubs"
    wanted = ".".join(map(str, python_version))
    program = stubs / wanted / "triton_python_backend_stub"
    if not program.exists():
        raise ServerError(
            f"this is Python {wanted}, for which {REQUIREMENT} has no python backend; make the "
            "virtual environment with Python 3.10, 3.11 or 3.12"
        )
    return program


def check_libraries(program: Path, environment: Mapping[str, str]) -> None:
    """Raises ServerError if the loader would not find a shared library that ``program`` needs."""
    listing = subprocess.run(
        [program],
        env={**environment, "LD_TRACE_LOADED_OBJECTS": "1"},  # ld.so(8): list and exit, as ldd does
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    missing = [line.split()[0] for line in listing.splitlines() if line.endswith("not found")]
    if not missing:
        return
    advice = "install the package of your distribution that holds it"
    if missing[0].startswith("libpython"):
        python = missing[0].partition(".so")[0]
        advice = (
            f"on Debian or Ubuntu: sudo apt-get install {python}; elsewhere: a Python that was "
            "built with --enable-shared"
        )
    raise ServerError(f"{program.name} needs {', '.join(missing)}, not found here; {advice}")


def _check_numpy() -> None:
    try:
        version = importlib.metadata.version("numpy")
    except importlib.metadata.PackageNotFoundError:
        raise ServerError(
            f"python models need NumPy, which {sys.executable} lacks: pip install 'numpy<2'"
        ) from None
    # The stubs read the item size of an array from where NumPy 1 keeps it. Under NumPy 2 they
    # find a 0 there, and every output tensor arrives empty, without an error.
    if int(version.partition(".")[0]) >= 2:
        raise ServerError(
            f"NumPy {version} is installed, but {REQUIREMENT} was built for NumPy 1 and would "
            "return empty tensors: pip install 'numpy<2' (Python 3.10 to 3.12)"
        )


def _libpython_folders() -> list[Path]:
    name = "libpython{}.{}.so.1.0".format(*sys.version_info)
    # LIBDIR is where Python was built to be, which is not always where it is.
    candidates = [Path(sysconfig.get_config_var("LIBDIR") or "/"), Path(sys.base_prefix) / "lib"]
    return [folder for folder in dict.fromkeys(candidates) if (folder / name).exists()]


def _prepend(folders: list[Path], path: str | None) -> str:
    return os.pathsep.join([*map(str, folders), *([path] if path else [])])
