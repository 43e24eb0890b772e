from __future__ import annotations

import os
from pathlib import Path

import pytest

from artifact.picture_files import find_pictures
from tests.permissions import bound_by_permissions

GIF = b"GIF89a\1\0\1\0\0\0\0;"


def names(folder: Path, *, recursive: bool = False, leave_out: Path | None = None) -> list[str]:
    found = find_pictures(folder, recursive=recursive, leave_out=leave_out)
    return [str(picture.relative_to(folder)) for picture in found.pictures]


def write(folder: Path, *files: str, content: bytes = b"") -> None:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content)


def test_pictures_are_known_by_their_suffix_or_without_one_by_their_content(tmp_path: Path) -> None:
    write(tmp_path, "b.JFIF", "a.jpe", "c.gif", "d.ppm", "e.tiff", "f.mpo", "notes.txt", "README")
    write(tmp_path, "000012", content=GIF)
    write(tmp_path, "x.heic", content=GIF)

    assert names(tmp_path) == ["000012", "a.jpe", "b.JFIF", "c.gif", "d.ppm", "e.tiff", "f.mpo"]
    found = find_pictures(tmp_path)
    assert found.others == {".txt": 1, ".heic": 1, "without a suffix": 1}


def test_what_is_hidden_is_passed_over_as_what_macos_lays_beside_its_files(tmp_path: Path) -> None:
    write(tmp_path, "x.jpg", "._x.jpg", ".DS_Store", ".cache/y.jpg", "__MACOSX/._x.jpg")

    assert names(tmp_path, recursive=True) == ["x.jpg"]
    assert find_pictures(tmp_path, recursive=True).passed_over == "3 files (3 hidden)"


def test_folders_are_gone_into_where_said_and_links_in_them_followed_once(tmp_path: Path) -> None:
    write(tmp_path / "set", "b.jpg", "a/2.jpg", "a/deep/1.jpg", "folder.jpg/0.png")
    write(tmp_path / "elsewhere", "z.jpg")
    (tmp_path / "set" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "link too").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "again").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "c.jpg").symlink_to(tmp_path / "elsewhere" / "z.jpg")

    assert names(tmp_path / "set") == ["b.jpg", "c.jpg"]
    everything = [
        name.replace("link too", "link") for name in names(tmp_path / "set", recursive=True)
    ]
    assert everything == [
        "a/2.jpg",
        "a/deep/1.jpg",
        "b.jpg",
        "c.jpg",
        "folder.jpg/0.png",
        "link/z.jpg",
    ]


def test_a_folder_can_be_left_out(tmp_path: Path) -> None:
    write(tmp_path, "x.jpg", "predictions/x.png")

    found = names(tmp_path, recursive=True, leave_out=tmp_path / "other" / ".." / "predictions")

    assert found == ["x.jpg"]
    assert names(tmp_path / "predictions", leave_out=tmp_path / "predictions") == ["x.png"]


def test_what_is_neither_file_nor_folder_does_not_stop_anything(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "nowhere.jpg").symlink_to("missing")
    (tmp_path / "itself").symlink_to("itself")

    assert find_pictures(tmp_path).passed_over == "3 files (3 neither file nor folder)"


def test_what_is_passed_over_is_told_by_kind_the_commonest_first(tmp_path: Path) -> None:
    write(tmp_path, *(f"{number}.txt" for number in range(3)), "a.json", "b.json", "inner/x.jpg")

    assert find_pictures(tmp_path).passed_over == (
        "5 files (3 .txt, 2 .json) and 1 folder (--recursive goes into them)"
    )
    write(tmp_path, "c.a", "c.b", "c.c", "c.d", f"c.{'e' * 50}", "c.\x1b[31m", "d.\udce9")
    told = find_pictures(tmp_path, recursive=True).passed_over
    assert told.startswith("12 files (3 .txt, 3 with an odd suffix, 2 .json, 1 .")
    assert told.endswith(", 2 of other kinds)")


def test_nothing_else_is_told_as_nothing(tmp_path: Path) -> None:
    write(tmp_path, "x.jpg")
    assert find_pictures(tmp_path).passed_over == ""


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as error:
        find_pictures(tmp_path / "missing")
    assert error.value.filename == str(tmp_path / "missing")


def test_a_folder_of_which_only_the_names_may_be_read_is_named(tmp_path: Path) -> None:
    write(tmp_path, "inner/x.jpg")
    inner = tmp_path / "inner"
    inner.chmod(0o400)
    with bound_by_permissions(), pytest.raises(PermissionError) as error:
        find_pictures(inner)
    inner.chmod(0o700)
    assert str(inner) in str(error.value.filename)
