from __future__ import annotations

from pathlib import Path

import pytest

from server.errors import ServerError
from server.repository import check_repository, config_names


def test_the_models_are_the_folders_with_a_configuration(echo_repository: Path) -> None:
    (echo_repository / "notes").mkdir()
    assert check_repository(echo_repository, None) == ["echo"]
    assert check_repository(echo_repository, "doubled") == ["echo"]
    assert config_names(echo_repository) == ["doubled"]


def test_a_configuration_that_no_model_has_is_refused(echo_repository: Path) -> None:
    with pytest.raises(ServerError, match=r"configs/tripled\.pbtxt; there are: doubled"):
        check_repository(echo_repository, "tripled")


def test_a_single_model_is_refused_with_its_repository(echo_repository: Path) -> None:
    with pytest.raises(ServerError, match=f"holds it: {echo_repository}$"):
        check_repository(echo_repository / "echo", None)


def test_a_folder_without_models_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="holds no model"):
        check_repository(tmp_path, None)


@pytest.mark.parametrize("name", ["missing", "a_file"])
def test_what_is_no_folder_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "a_file").touch()
    with pytest.raises(ServerError, match=f"{name}: no such folder"):
        check_repository(tmp_path / name, None)
