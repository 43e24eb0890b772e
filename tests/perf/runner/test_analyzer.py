from __future__ import annotations

import platform
import sys
import sysconfig
from pathlib import Path

import pytest
import tritonclient

from perf.errors import PerfError
from perf.runner import analyzer as analyzer_module
from perf.runner.analyzer import LIBRARIES, Analyzer, find_perf_analyzer, private_folder

FAKE = """#!/bin/sh
echo "Perf Analyzer Version 9.9.9 (commit abc)"
"""


def write_program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def empty_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A virtual environment without a perf_analyzer."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))
    return {"PATH": "/nowhere"}


def test_one_on_path_comes_first(tmp_path: Path) -> None:
    on_path = write_program(tmp_path / "bin" / "perf_analyzer", FAKE)
    environment = {"PATH": str(on_path.parent)}
    found = find_perf_analyzer(tmp_path, environment)
    assert found.binary == on_path
    assert found.version == "9.9.9"
    assert found.environment == environment


def test_the_one_in_the_private_folder_comes_second(
    tmp_path: Path, empty_environment: dict[str, str]
) -> None:
    private = write_program(private_folder() / "bin" / "perf_analyzer", FAKE)
    assert find_perf_analyzer(tmp_path, empty_environment).binary == private


def test_without_one_the_way_to_get_it_on_this_glibc_is_told(
    tmp_path: Path, empty_environment: dict[str, str]
) -> None:
    with pytest.raises(PerfError) as raised:
        find_perf_analyzer(tmp_path, empty_environment)
    message = str(raised.value)
    assert f"none at {private_folder()}" in message
    assert platform.libc_ver()[1] in message
    assert "make perf" in message
    assert f"--target {private_folder()} --no-deps" in message


def test_on_an_old_glibc_the_wheel_is_not_recommended(
    tmp_path: Path, empty_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.31"))
    with pytest.raises(PerfError, match=r"glibc 2\.35 or later, and this is .* glibc 2\.31"):
        find_perf_analyzer(tmp_path, empty_environment)


def test_libraries_that_the_wheel_lacks_are_linked_from_nvidia_pytriton(
    tmp_path: Path, empty_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    purelib, scratch = tmp_path / "site-packages", tmp_path / "scratch"
    scratch.mkdir()
    (purelib / "nvidia_pytriton.libs").mkdir(parents=True)
    for pattern in LIBRARIES.values():
        (purelib / "nvidia_pytriton.libs" / pattern.replace("*", "0123")).touch()
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(purelib))
    monkeypatch.setattr(
        analyzer_module,
        "_missing_libraries",
        lambda binary, environment: [
            name
            for name in LIBRARIES
            if not Path(environment["LD_LIBRARY_PATH"].partition(":")[0], name).exists()
        ],
    )
    write_program(private_folder() / "bin" / "perf_analyzer", FAKE)
    found = find_perf_analyzer(scratch, {**empty_environment, "LD_LIBRARY_PATH": "/opt/lib"})
    assert found.environment["LD_LIBRARY_PATH"] == f"{scratch}:/opt/lib"
    assert {path.name for path in scratch.iterdir()} == set(LIBRARIES)


def test_a_library_that_cannot_be_had_is_named(
    tmp_path: Path, empty_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_program(private_folder() / "bin" / "perf_analyzer", FAKE)
    monkeypatch.setattr(analyzer_module, "_missing_libraries", lambda *_: ["libodd.so.1"])
    with pytest.raises(PerfError, match=r"needs libodd\.so\.1, not found here"):
        find_perf_analyzer(tmp_path, empty_environment)


def test_one_that_does_not_run_is_told_with_its_last_words(
    tmp_path: Path, empty_environment: dict[str, str]
) -> None:
    write_program(
        private_folder() / "bin" / "perf_analyzer",
        '#!/bin/sh\necho "version GLIBC_2.99 missing"\n',
    )
    with pytest.raises(PerfError, match=r"does not run here .*: version GLIBC_2\.99 missing"):
        find_perf_analyzer(tmp_path, empty_environment)


def test_its_wheel_does_not_shadow_the_environments_tritonclient(analyzer: Analyzer) -> None:
    assert private_folder() not in Path(tritonclient.__file__).parents
