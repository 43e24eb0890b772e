"""Servers on repositories, and in places, whose paths Triton's python backend does not bear."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
import tritonclient.grpc

from server import plain_path, wheel
from server.errors import ServerError
from server.launch import TritonServer
from server.locate import find_tritonserver
from server.plain_path import is_plain, plain_folder
from server.supervise import supervise
from tests.server.conftest import ECHO
from tests.server.test_launch import infer

NOT_PLAIN = {
    "a space": "a b",
    "a letter beyond ASCII": "modèles",
    "a letter of another script": "模型",
    "an emoji": "😀",
    "bytes that are no UTF-8": os.fsdecode(b"\xff\xfe"),
    "a command": "$(touch run_by_bash)",
    "a command in backticks": "`touch run_by_bash`",
    "a second command": "a;touch run_by_bash",
    "a process in the background": "a&touch run_by_bash",
    "an apostrophe": "o'clock",
    "a quotation mark": 'an"inch',
    "a backslash": "back\\slash",
    "a newline": "two\nlines",
    "a comment": "a #1",
    "a pattern": "*",
    "braces": "{a,b}",
    "as many bytes as there may be": "é" * 127,
}


@pytest.mark.parametrize("name", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_what_bash_or_an_ascii_python_takes_for_something_else_is_not_plain(name: str) -> None:
    assert not is_plain(name)
    assert not is_plain(Path("/models", name, "mask_rcnn"))


def test_a_repository_is_served_whatever_is_in_its_path(
    echo_repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    repository = Path(*NOT_PLAIN.values())  # relative
    repository.parent.mkdir(parents=True)
    echo_repository.rename(repository)
    with TritonServer(repository, exit_timeout_secs=0) as server:
        assert infer(tritonclient.grpc, server.grpc_url).tolist() == [[1, 2, 3]]
    assert not (tmp_path / "run_by_bash").exists()


def test_a_server_runs_wherever_its_folder_temporary_files_log_and_home_are(
    echo_repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "où $(exit)"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", None)
    for variable in ("TMPDIR", "HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(place))
    monkeypatch.chdir(place)
    echo_repository.rename("models")
    with TritonServer("models", log_path=place / "journal à lire", exit_timeout_secs=0) as server:
        assert infer(tritonclient.grpc, server.grpc_url).tolist() == [[1, 2, 3]]
    assert "successfully loaded 'echo'" in (place / "journal à lire").read_text()


def test_what_fails_in_such_a_repository_is_told_by_its_own_path(
    tmp_path: Path, add_model: Callable[..., None]
) -> None:
    repository = tmp_path / "à faire"
    add_model(repository, "broken", "import no_such_package\n")
    with pytest.raises(ServerError) as error:
        TritonServer(repository, exit_timeout_secs=0).start()
    assert f"{repository}/broken/1/model.py(1): <module>" in str(error.value)


def test_what_a_model_prints_in_such_a_repository_names_its_own_path(
    tmp_path: Path, add_model: Callable[..., None]
) -> None:
    repository = tmp_path / "à faire"
    add_model(repository, "telling", f"print(__file__, flush=True)\n{ECHO}")
    with TritonServer(repository, exit_timeout_secs=0) as server:
        assert f"{repository}/telling/1/model.py" in islice(supervise(server), 5)


@pytest.mark.parametrize("name", ["a b", "modèle", "a;b", "a{b,c}"])
def test_a_python_model_that_triton_cannot_start_is_refused_by_its_name(
    name: str, echo_repository: Path
) -> None:
    (echo_repository / "echo").rename(echo_repository / name)
    with pytest.raises(ServerError, match=f"the python model '{name}': .* rename its folder"):
        TritonServer(echo_repository).start()


@pytest.mark.parametrize("words", [["--backend-directory=a b"], ["--backend-directory", "a b"]])
def test_an_option_with_a_path_that_triton_cannot_start_from_is_refused(
    words: list[str], echo_repository: Path
) -> None:
    with pytest.raises(ServerError, match=r"--backend-directory /.*/a b: Triton's python backend"):
        TritonServer(echo_repository, options=words).start()


def test_a_tritonserver_whose_backends_lie_elsewhere_is_given_a_link_to_them(
    tmp_path: Path,
) -> None:
    installed = tmp_path / "mes outils"
    (installed / "bin").mkdir(parents=True)
    (installed / "bin" / "tritonserver").touch(0o755)
    (installed / "backends").mkdir()
    found = find_tritonserver(tmp_path, {"PATH": str(installed / "bin")})
    assert found.backends is not None
    assert is_plain(found.backends)
    assert found.backends.resolve() == installed / "backends"


def test_an_installation_of_such_a_path_can_run(
    tmp_path: Path, echo_repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = wheel.find()
    assert found is not None
    place = tmp_path / "site packages é"
    place.mkdir()
    for folder in (found.tritonserver, found.libraries):
        shutil.copytree(folder, place / folder.name, copy_function=os.symlink)
    moved = wheel.Wheel(place / found.tritonserver.name, place / found.libraries.name)
    monkeypatch.setattr(wheel, "find", lambda: moved)
    with TritonServer(echo_repository, exit_timeout_secs=0) as server:
        assert infer(tritonclient.grpc, server.grpc_url).tolist() == [[1, 2, 3]]


def test_where_no_temporary_folder_can_be_made_the_places_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = str(tmp_path / "missing")
    monkeypatch.setattr(tempfile, "tempdir", missing)
    monkeypatch.setattr(plain_path, "FURTHER_PARENTS", (missing + "_too",))
    with pytest.raises(ServerError, match=r"neither in .*missing \(No such file.* nor in .*_too"):
        plain_folder().__enter__()
