from __future__ import annotations

from pathlib import Path

import pytest

from artifact.names import ModelNames
from builder.errors import BuildError
from builder.repository.name import check_name

LONGEST = 255 - len("_postprocess")


def put_into(repository: Path, *models: str) -> None:
    for model in models:
        (repository / model).mkdir(parents=True)


@pytest.mark.parametrize(
    "name", ["mask_rcnn", "birds", "Birds-2.1", "_", "0", "network", "network_x", "x" * LONGEST]
)
def test_a_name_that_models_and_folders_can_have_is_taken(tmp_path: Path, name: str) -> None:
    check_name(name, tmp_path / "missing")
    put_into(tmp_path, *ModelNames(name))


@pytest.mark.parametrize(
    "name",
    ["", "a/b", "../up", "/", ".", "..", ".hidden", "-x", "two words", "vögel", "a\n", "a:b"],
)
def test_a_name_of_other_characters_is_refused_with_those_that_are_taken(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(BuildError, match=r"expected letters from A to Z, digits, _ \. and -") as e:
        check_name(name, tmp_path)
    assert str(e.value).startswith(f"--name {name!r}: ")


def test_a_name_whose_models_folders_would_have_too_long_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="has 244 characters; expected at most 243") as error:
        check_name("x" * (LONGEST + 1), tmp_path)
    assert len(str(error.value)) < 200


def test_the_name_that_tritons_http_port_takes_for_something_else_is_refused(
    tmp_path: Path,
) -> None:
    with pytest.raises(BuildError, match="--name stats: Triton's HTTP port"):
        check_name("stats", tmp_path)


@pytest.mark.parametrize("name", ["birds_preprocess", "birds_network", "birds_postprocess"])
def test_a_name_that_a_step_of_another_build_could_have_is_refused(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(BuildError, match="does not end in _preprocess, _network or _postprocess"):
        check_name(name, tmp_path)


def test_builds_of_other_names_and_one_of_its_own_are_no_obstacle(tmp_path: Path) -> None:
    put_into(tmp_path, *ModelNames("birds"), *ModelNames("cars"), "theirs")
    check_name("birds", tmp_path)
    check_name("bir", tmp_path)
    check_name("birds_2", tmp_path)


@pytest.mark.parametrize("theirs", ["birds", "birds_network"])
def test_a_model_that_is_of_no_build_of_the_name_is_not_replaced(
    tmp_path: Path, theirs: str
) -> None:
    put_into(tmp_path, theirs)
    with pytest.raises(BuildError) as error:
        check_name("birds", tmp_path)
    missing = ", ".join(model for model in ModelNames("birds") if model != theirs)
    assert f"{tmp_path}: has {theirs} but no {missing}" in str(error.value)
    assert "give another --name, or move it away" in str(error.value)
