"""The files that pictures are drawn into: one for each, with a name that can be."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from client.errors import ClientError
from client.pictures.drawn_paths import LONGEST_NAME_BYTES, drawn_paths

OUTPUT = Path("out")


def drawn(*names: str) -> list[str]:
    pictures = {Path(f"in{number}") / name: Path(name) for number, name in enumerate(names)}
    paths = drawn_paths(pictures, OUTPUT)
    assert list(paths) == list(pictures)
    return [str(path) for path in paths.values()]


def test_a_picture_keeps_its_name_and_its_folders() -> None:
    assert drawn("x.jpg", "a/b/x.tar.gif", "000012") == ["x.png", "a/b/x.tar.png", "000012.png"]


def test_pictures_of_one_name_get_numbers() -> None:
    assert drawn("x.jpg", "x.gif", "x-2.jpg", "a/x.jpg") == [
        "x.png",
        "x-2.png",
        "x-2-2.png",
        "a/x.png",
    ]


def test_names_that_some_file_systems_take_for_one_get_numbers() -> None:
    nfc, nfd = (unicodedata.normalize(form, "é.jpg") for form in ("NFC", "NFD"))
    capital = drawn("X.jpg", "x.jpg", nfc, nfd, "A/y.jpg", "a/y.jpg")
    assert capital == ["X.png", "x-2.png", "é.png", f"{nfd[:2]}-2.png", "A/y.png", "a/y-2.png"]


def test_a_picture_beside_a_folder_of_its_name_gets_a_number() -> None:
    assert drawn("a.jpg", "a.png/x.jpg") == ["a-2.png", "a.png/x.png"]


@pytest.mark.parametrize("letter", ["x", "é", "猫", "👪", os.fsdecode(b"\xe9")])
def test_names_that_would_be_too_long_are_cut_and_stay_apart(tmp_path: Path, letter: str) -> None:
    name = letter * (LONGEST_NAME_BYTES // len(os.fsencode(letter)))
    paths = drawn(name, name, f"{name[:-2]}.j", f"{name[:-1]}")

    assert len(set(paths)) == 4
    for path in paths:
        (tmp_path / path).touch()
    assert len(list(tmp_path.iterdir())) == 4


def test_many_pictures_of_one_name_get_numbers_of_their_own() -> None:
    paths = drawn(*["frame.jpg"] * 5000)
    assert paths[-1] == "frame-5000.png"
    assert len(set(paths)) == 5000


def test_a_picture_is_never_drawn_over(tmp_path: Path) -> None:
    picture = tmp_path / "x.png"
    refused = r"would overwrite .*x\.png, which is one of the pictures"
    with pytest.raises(ClientError, match=refused):
        drawn_paths({picture: Path("x.png")}, tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(ClientError, match=refused):
        drawn_paths({picture: Path("x.png")}, tmp_path / "link")
