"""What follows from a tritonserver's version: stand-ins of several, and the wheel's real 2.51."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from server.__main__ import main
from server.launch import TritonServer
from server.listen import Listen
from server.locate import find_tritonserver
from server.versions import (
    ALLOW_CLIENT_SHM,
    FIXES,
    client_shared_memory_options,
    known_faults,
    missing_fixes,
)

STAND_IN = Path(__file__).with_name("tritonserver_stand_in.py")
FREE_PORTS = ["--http-port", "0", "--grpc-port", "0", "--metrics-port", "0"]


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Puts a stand-in on PATH; returns the file that gets the arguments it is started with."""

    def put(version: str, knows: str = "") -> Path:
        program, arguments = tmp_path / "bin" / "tritonserver", tmp_path / "arguments"
        program.parent.mkdir()
        code = STAND_IN.read_text().replace(
            'VERSION, KNOWS, ARGUMENTS = "", "", ""  # START',
            f"VERSION, KNOWS, ARGUMENTS = {version!r}, {knows!r}, {str(arguments)!r}",
        )
        program.write_text(f"#!{sys.executable}\n{code}")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
        return arguments

    return put


@pytest.mark.parametrize(
    ("asked", "knows", "passed"),
    [(True, ALLOW_CLIENT_SHM, True), (False, ALLOW_CLIENT_SHM, False), (True, "", False)],
    ids=["asked for", "not asked for", "of a server before 26.04"],
)
def test_clients_shared_memory_is_allowed_where_it_is_asked_for_and_can_be(
    on_path: Callable[..., Path], echo_repository: Path, asked: bool, knows: str, passed: bool
) -> None:
    arguments = on_path("2.73.0", knows)
    with TritonServer(echo_repository, client_shared_memory=asked) as server:
        assert server.version == "2.73.0"
    assert (f"{ALLOW_CLIENT_SHM}=true" in arguments.read_text().splitlines()) == passed


def test_the_real_2_51_does_not_know_the_option(tmp_path: Path) -> None:
    assert client_shared_memory_options(find_tritonserver(tmp_path, os.environ)) == []


@pytest.mark.parametrize(
    ("version", "faults"),
    [
        ("2.51.0", "has 58 published vulnerabilities that 2.71.0 (26.07) has not: docs/versions"),
        ("2.59", "has 50 published vulnerabilities that"),
        ("2.70.0", "has 1 published vulnerability that 2.71.0 (26.07) has not"),
    ],
)
def test_published_vulnerabilities_are_counted(version: str, faults: str) -> None:
    assert str(known_faults(version)).startswith(faults)


@pytest.mark.parametrize("version", ["2.71.0", "2.73.0", "2.100.0dev", "", "unknown"])
def test_nothing_is_said_of_what_is_not_known(version: str) -> None:
    assert known_faults(version) is None


def test_the_documentation_names_every_vulnerability() -> None:
    page = (Path(__file__).parents[2] / "docs" / "versions.md").read_text()
    rows = {
        line.split("|")[1].strip(): line.split("|")[3]
        for line in page.splitlines()
        if line.startswith("| 2") and "CVE-" in line
    }
    assert rows.keys() == {fix.release for fix in FIXES}
    for fix in FIXES:
        assert all(name.removeprefix("CVE-") in rows[fix.release] for name in fix.vulnerabilities)
    names = [name for fix in FIXES for name in fix.vulnerabilities]
    assert len(names) == len(set(names))
    assert [fix.version for fix in missing_fixes("0.0")] == sorted(fix.version for fix in FIXES)


@pytest.mark.parametrize(("host", "others"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_it_is_warned_where_others_reach_a_vulnerable_one(
    on_path: Callable[..., Path],
    echo_repository: Path,
    caplog: pytest.LogCaptureFixture,
    host: str,
    others: bool,
) -> None:
    on_path("2.70.0")
    with TritonServer(echo_repository, listen=Listen(host=host)):
        pass
    warning = "warning: others reach Triton 2.70.0, which has 1 published vulnerability"
    assert (warning in caplog.text) == others


@pytest.mark.parametrize(
    ("version", "line"),
    [
        ("2.70.0", "2.70.0, which has 1 published vulnerability that 2.71.0 (26.07) has not: "),
        ("2.73.0", "2.73.0\n"),
        ("", "of unknown version\n"),
    ],
)
def test_the_command_says_what_it_runs(
    on_path: Callable[..., Path],
    echo_repository: Path,
    capfd: pytest.CaptureFixture[str],
    version: str,
    line: str,
) -> None:
    on_path(version)
    assert main(["--repository", str(echo_repository), *FREE_PORTS]) == 1
    printed = capfd.readouterr()
    assert f"  Triton   {line}" in printed.out
    assert printed.err.endswith("error: tritonserver ended by itself\n")
