"""Print what pip must install so that Python can use the TensorRT that is in this image.

    python3 tensorrt_bindings.py [ROOT]

The bindings' package on PyPI is named after CUDA's major version, its version is TensorRT's with a
build number appended. Both come from the names of the libraries below ROOT (/ by default), as in
libnvinfer.so.10.16.1 and libcudart.so.13.2.75: tensorrt-cu13-bindings==10.16.1.*
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

Version = tuple[int, ...]
# A package that pip installed may bring a libnvinfer or libcudart that Triton does not use.
PYTHON_PACKAGES = ("dist-packages", "site-packages")


def bindings_requirement(root: Path) -> str:
    """The requirement for the image whose files lie below `root`.

    Raises:
        SystemExit: TensorRT or CUDA is not there, or in several versions.
    """
    tensorrt = ".".join(map(str, _only_version("libnvinfer", root / "usr", root / "opt")))
    cuda = _only_version("libcudart", root / "usr/local/cuda/lib64")[0]
    return f"tensorrt-cu{cuda}-bindings=={tensorrt}.*"


def _only_version(library: str, *folders: Path) -> Version:
    files = _files(library, folders)
    versions = {version: file for file in files if (version := _version(file))}
    if len(versions) == 1:
        return next(iter(versions))
    found = ", ".join(map(str, versions.values() or files)) or "no file of that name"
    raise SystemExit(
        f"error: {' and '.join(map(str, folders))}: expected {library}.so.X.Y.Z in one version, "
        f"found {found}. The base must be nvcr.io/nvidia/tritonserver:YY.MM-py3, which has TensorRT"
    )


def _files(library: str, folders: tuple[Path, ...]) -> list[Path]:
    files = []
    for folder in folders:
        for path, subfolders, names in os.walk(folder):
            subfolders[:] = sorted(set(subfolders) - set(PYTHON_PACKAGES))
            files += [Path(path, name) for name in names if name.startswith(f"{library}.so")]
    return sorted(files)


def _version(file: Path) -> Version | None:
    """X.Y.Z at the end of the name; None for libnvinfer.so.10, a link to the file that has it."""
    match = re.search(r"\.so\.(\d+)\.(\d+)\.(\d+)$", file.name)
    return tuple(map(int, match.groups())) if match else None


if __name__ == "__main__":
    print(bindings_requirement(Path(sys.argv[1] if len(sys.argv) > 1 else "/")))
