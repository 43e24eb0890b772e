from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from client.errors import ClientError
from perf.input_data import Inputs, choose_pictures, of_one_shape, write_input_data


def test_a_picture_is_written_with_its_length_in_front(tmp_path: Path) -> None:
    path = tmp_path / "input.json"
    write_input_data(path, [{"image": np.array([[b"picture"]], np.object_)}])
    entry = json.loads(path.read_text())["data"][0]["image"]
    assert entry["shape"] == [1]
    assert base64.b64decode(entry["content"]["b64"]) == b"\x07\x00\x00\x00picture"


def test_numbers_are_written_as_their_bytes_in_rows(tmp_path: Path) -> None:
    canvas = np.arange(24, dtype=np.uint8).reshape(1, 2, 4, 3)
    size = np.array([[2, 300]], np.int32)
    path = tmp_path / "input.json"
    write_input_data(path, [{"canvas": canvas, "image_size": size}])
    step = json.loads(path.read_text())["data"][0]
    assert step["canvas"]["shape"] == [2, 4, 3]
    assert base64.b64decode(step["canvas"]["content"]["b64"]) == bytes(range(24))
    assert base64.b64decode(step["image_size"]["content"]["b64"]) == b"\2\0\0\0\x2c\1\0\0"


@pytest.mark.parametrize(
    ("count", "names"),
    [(1, "a"), (2, "ad"), (3, "ace"), (4, "abde"), (6, "abcdef"), (100, "abcdef")],
)
def test_pictures_are_spread_evenly_over_the_folder(tmp_path: Path, count: int, names: str) -> None:
    for name in "fedcba":
        (tmp_path / f"{name}.jpg").touch()
    assert "".join(path.stem for path in choose_pictures(tmp_path, count)) == names


def test_pictures_of_the_folders_in_it_are_chosen_where_said(tmp_path: Path) -> None:
    for name in ("a/1.gif", "a/2", "b/1.gif", "._b.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"GIF89a")
    chosen = choose_pictures(tmp_path, 10, recursive=True)
    assert [str(path.relative_to(tmp_path)) for path in chosen] == ["a/1.gif", "a/2", "b/1.gif"]


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="no pictures"):
        choose_pictures(tmp_path, 1)


def test_the_commonest_shape_is_kept_for_requests_of_several_pictures(tmp_path: Path) -> None:
    def inputs(height: int, width: int) -> Inputs:
        return {"canvas": np.zeros((1, height, width, 3), np.uint8), "image_size": np.ones((1, 2))}

    requests = {
        tmp_path / "a": inputs(4, 8),
        tmp_path / "b": inputs(8, 4),
        tmp_path / "c": inputs(4, 8),
    }
    assert list(of_one_shape(requests)) == [tmp_path / "a", tmp_path / "c"]
