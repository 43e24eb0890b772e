"""The encoded pictures that the rows of a list stand for."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from client.errors import ClientError, PictureError
from tests.permissions import bound_by_permissions

pa = pytest.importorskip("pyarrow", reason="`make test` installs it into .venv/ray")
pq = pytest.importorskip("pyarrow.parquet")
content = pytest.importorskip("client.bulk.content")


def test_a_file_is_read_whole_whatever_its_name(tmp_path: Path) -> None:
    file = tmp_path / "a::b #?%20.jpg"
    file.write_bytes(b"content")

    assert content.read_file(str(file)) == b"content"


def test_a_file_that_is_not_to_be_had_is_the_pictures_fault(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()

    for path, words in (
        ("missing.jpg", "cannot read it: No such file"),
        ("", "cannot read it: Is a directory"),
        ("empty.jpg", "the file is empty"),
    ):
        with pytest.raises(PictureError, match=words):
            content.read_file(str(tmp_path / path))


def test_storage_that_does_not_answer_is_the_storages() -> None:
    with socket.socket() as unserved:
        unserved.bind(("127.0.0.1", 0))
        with pytest.raises(content.StorageFault, match="cannot read it"):
            content.read_file(f"http://127.0.0.1:{unserved.getsockname()[1]}/a.jpg")


def wanted(file: Path, *rows: int) -> list[dict[str, Any]]:
    return [{"image_id": 100 + row, "parquet": str(file), "row": row} for row in rows]


@pytest.mark.parametrize("in_struct", [False, True])
def test_rows_come_from_any_row_group_of_any_file(in_struct: bool, tmp_path: Path) -> None:
    pictures: list[Any] = [f"picture {row}".encode() for row in range(100)]
    pictures[41] = None
    column = [{"bytes": each, "path": "x"} for each in pictures] if in_struct else pictures
    one, other = tmp_path / "one.parquet", tmp_path / "other.parquet"
    for file in (one, other):
        pq.write_table(pa.table({"n": range(100), "image": column}), file, row_group_size=40)

    found = dict(content.read_rows([*wanted(one, 3, 39, 40, 41, 99), *wanted(other, 78)], "image"))

    assert {key: found.pop(key) for key in (103, 139, 140, 199, 178)} == {
        100 + row: pictures[row] for row in (3, 39, 40, 99, 78)
    }
    assert [*found] == [141]
    assert isinstance(found[141], PictureError)
    assert str(found[141]) == "the row has nothing in column image"


def test_a_file_that_breaks_off_fails_for_what_it_has_no_more(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    pictures = [os.urandom(1000) for _ in range(80)]
    pq.write_table(pa.table({"image": pictures}), file, row_group_size=40, compression="NONE")
    whole = bytearray(file.read_bytes())
    start = pq.ParquetFile(file).metadata.row_group(1).column(0).data_page_offset
    whole[start : start + 100] = bytes(100)
    file.write_bytes(whole)

    found = dict(content.read_rows(wanted(file, 1, 2, 60), "image"))

    assert [found[101], found[102]] == pictures[1:3]
    assert isinstance(found[160], content.StorageFault)
    assert str(found[160]).startswith(f"cannot read {file}: ")


def test_a_file_without_the_rows_gives_a_fault_for_each(tmp_path: Path) -> None:
    file = tmp_path / "missing.parquet"

    found = dict(content.read_rows(wanted(file, 1, 2), "image"))

    assert [*found] == [101, 102]
    assert all(isinstance(each, ClientError) for each in found.values())


def test_a_closed_file_is_the_pictures_fault(tmp_path: Path) -> None:
    file = tmp_path / "closed.jpg"
    file.touch(mode=0)

    with bound_by_permissions(), pytest.raises(PictureError, match="Permission denied"):
        content.read_file(str(file))
