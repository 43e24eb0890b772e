from __future__ import annotations

import os
from pathlib import Path

import pytest

from server import wheel
from server.errors import ServerError


@pytest.fixture
def installed() -> wheel.Wheel:
    found = wheel.find()
    assert found is not None
    return found


def test_this_python_can_run_the_wheel(installed: wheel.Wheel) -> None:
    wheel.check(installed, wheel.environment(installed, os.environ))


def test_a_python_without_a_stub_is_refused_by_its_version(installed: wheel.Wheel) -> None:
    with pytest.raises(ServerError, match=r"this is Python 3\.14, .* Python 3\.10, 3\.11 or 3\.12"):
        wheel.stub(installed, (3, 14))


def test_a_missing_libpython_is_named_with_its_package(installed: wheel.Wheel) -> None:
    stub = wheel.stub(installed, (3, 8))  # a Python that is not the one running this
    with pytest.raises(ServerError) as error:
        wheel.check_libraries(stub, wheel.environment(installed, os.environ))
    assert "needs libpython3.8.so.1.0, not found here" in str(error.value)
    assert "sudo apt-get install libpython3.8;" in str(error.value)


def test_numpy_2_is_refused(
    installed: wheel.Wheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy-2.4.6.dist-info").mkdir()
    (tmp_path / "numpy-2.4.6.dist-info" / "METADATA").write_text("Name: numpy\nVersion: 2.4.6\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ServerError, match=r"NumPy 2\.4\.6 .* empty tensors: .*'numpy<2'"):
        wheel.check(installed, wheel.environment(installed, os.environ))


def test_the_backend_folder_holds_what_triton_looks_for(
    installed: wheel.Wheel, tmp_path: Path
) -> None:
    backends = wheel.link_backends(installed, tmp_path)
    assert sorted(path.name for path in (backends / "python").iterdir() if path.exists()) == [
        "libtriton_python.so",
        "triton_python_backend_stub",
        "triton_python_backend_utils.py",
    ]
    assert os.access(backends / "python" / "triton_python_backend_stub", os.X_OK)


def test_the_environment_extends_the_inherited_one(installed: wheel.Wheel) -> None:
    environment = wheel.environment(
        installed, {"HOME": "/home/someone", "PATH": "/usr/bin", "LD_LIBRARY_PATH": "/opt/lib"}
    )
    assert environment["HOME"] == "/home/someone"
    assert environment["PATH"].endswith(":/usr/bin")
    assert environment["LD_LIBRARY_PATH"].startswith(f"{installed.libraries}:")
    assert environment["LD_LIBRARY_PATH"].endswith(":/opt/lib")
