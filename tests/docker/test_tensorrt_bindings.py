"""docker/tensorrt_bindings.py on made-up images."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "docker" / "tensorrt_bindings.py"
DEBIAN = "usr/lib/x86_64-linux-gnu"
CUDA = "usr/local/cuda-13.2/targets/x86_64-linux/lib"


def run(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, root], capture_output=True, text=True, check=False
    )


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The files of an image with CUDA 13, its folders linked as NVIDIA's are."""
    add(tmp_path, f"{CUDA}/libcudart.so.13.2.75")
    (tmp_path / CUDA / "libcudart.so.13").symlink_to("libcudart.so.13.2.75")
    (tmp_path / "usr/local/cuda-13.2/lib64").symlink_to("targets/x86_64-linux/lib")
    (tmp_path / "usr/local/cuda").symlink_to("cuda-13.2")
    return tmp_path


def add(root: Path, file: str) -> None:
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).touch()


@pytest.mark.parametrize("folder", [DEBIAN, "usr/local/tensorrt/lib", "opt/tensorrt/lib"])
@pytest.mark.parametrize("version", ["10.4.0", "10.16.1", "11.3.0", "11.4.0"])
def test_bindings_are_those_of_the_libraries(image: Path, folder: str, version: str) -> None:
    add(image, f"{folder}/libnvinfer.so.{version}")
    add(image, f"{folder}/libnvinfer_plugin.so.1.2.3")
    (image / folder / f"libnvinfer.so.{version.split('.')[0]}").symlink_to(
        f"libnvinfer.so.{version}"
    )
    assert run(image).stdout == f"tensorrt-cu13-bindings=={version}.*\n"


def test_bindings_are_named_after_cudas_major_version(image: Path) -> None:
    (image / "usr/local/cuda").unlink()
    add(image, "usr/local/cuda/lib64/libcudart.so.12.9.79")
    add(image, f"{DEBIAN}/libnvinfer.so.10.13.3")
    assert run(image).stdout == "tensorrt-cu12-bindings==10.13.3.*\n"


def test_libraries_of_python_packages_do_not_count(image: Path) -> None:
    add(image, f"{DEBIAN}/libnvinfer.so.10.16.1")
    add(image, "usr/local/lib/python3.12/dist-packages/tensorrt_libs/libnvinfer.so.10.9.0")
    assert run(image).stdout == "tensorrt-cu13-bindings==10.16.1.*\n"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ([], "no file of that name"),
        ([f"{DEBIAN}/libnvinfer_plugin.so.10.16.1"], "no file of that name"),
        ([f"{DEBIAN}/libnvinfer.so.10"], "usr/lib/x86_64-linux-gnu/libnvinfer.so.10"),
        (
            [f"{DEBIAN}/libnvinfer.so.10.16.1", "opt/tensorrt/lib/libnvinfer.so.11.2.1"],
            "opt/tensorrt/lib/libnvinfer.so.11.2.1",
        ),
    ],
    ids=["nothing", "other libraries", "no full version", "two versions"],
)
def test_an_image_without_one_tensorrt_is_refused(
    image: Path, files: list[str], found: str
) -> None:
    for file in files:
        add(image, file)
    result = run(image)
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"error: {image}/usr and {image}/opt: expected libnvinfer.so")
    assert found in result.stderr
    assert "nvcr.io/nvidia/tritonserver" in result.stderr


def test_an_image_without_cuda_is_refused(tmp_path: Path) -> None:
    add(tmp_path, f"{DEBIAN}/libnvinfer.so.10.16.1")
    result = run(tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith(
        f"error: {tmp_path}/usr/local/cuda/lib64: expected libcudart.so.X.Y.Z in one version"
    )
