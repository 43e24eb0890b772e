from __future__ import annotations

import pickle
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from builder.weights.torch_reader import read_torch
from tests.builder.weights.torch_file import entries, tensor_of, write_torch, zipped
from tests.builder.weights.torch_reading import assert_same, refusal, written


@pytest.mark.parametrize("folder", ["archive", "x", "mödel final", "...", "data.pkl", "C:\\model"])
def test_the_folder_in_the_file_may_have_any_name(tmp_path: Path, folder: str) -> None:
    path = written(tmp_path, zipped(entries({"a.b": tensor_of(np.ones(2))}), folder))
    assert_same(read_torch(path)["a.b"], np.ones(2))


def test_no_name_in_the_file_leads_out_of_it(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    content = zipped({**entries({"a.b": tensor_of(np.ones(2))}), "../../../out": b"x"}, "..")
    path = written(tmp_path / "in", content)
    assert_same(read_torch(path)["a.b"], np.ones(2))
    assert [each.name for each in tmp_path.rglob("*")] == ["in", "model.pth"]


def test_a_file_with_64_bit_sizes_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(zipfile, "ZIP64_LIMIT", 0)
        content = zipped(entries({"a.b": tensor_of(np.ones(2))}))
    assert b"PK\x06\x06" in content
    assert_same(read_torch(written(tmp_path, content))["a.b"], np.ones(2))


def test_a_file_without_checksums_is_read(tmp_path: Path) -> None:
    content = bytearray(zipped(entries({"a.b": tensor_of(np.ones(2))})))
    place = content.find(b"PK\x01\x02")
    while place != -1:
        content[place + 16 : place + 20] = bytes(4)
        place = content.find(b"PK\x01\x02", place + 1)
    assert_same(read_torch(written(tmp_path, bytes(content)))["a.b"], np.ones(2))


# Damaged files.


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"x", "it begins with b'x'"),
        (b"<!DOCTYPE html>", "it begins with b'<!DOCTYPE html>'"),
        (b"version https://git-lfs.github.com/spec/v1", "torch.save wrote"),
        (b"PK\x03\x04", "incomplete or damaged"),
        (b"PK\x03\x04" + bytes(500), "incomplete or damaged"),
        (pickle.dumps({"model": {}}, 2), "give it the suffix .pkl"),
        (zipped({"data.pkl": b"\x80\x02."}), "not hold a complete pickle"),
        (zipped({}), "it begins with b'PK"),
        (zipped({"model_final.pkl": b""}), "found: archive/model_final.pkl"),
        (zipped({"data.pkl": b"N."}, "a/b"), "expected one folder with data.pkl"),
    ],
)
def test_a_file_that_torch_did_not_write_is_told_from_a_damaged_one(
    tmp_path: Path, content: bytes, says: str
) -> None:
    assert says in refusal(written(tmp_path, content))


def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    whole = zipped(entries({"model": {"a.b": tensor_of(np.ones(9))}}))
    for length in range(1, len(whole)):
        assert "copy or download it again" in refusal(written(tmp_path, whole[:length]))


def test_a_changed_byte_of_the_numbers_is_noticed(tmp_path: Path) -> None:
    whole = zipped(entries({"a.b": tensor_of(np.full(9, 0.1))}))
    place = whole.index(np.full(9, 0.1).tobytes())
    path = written(tmp_path, whole[:place] + b"\0" + whole[place + 1 :])
    assert "data/0 is not what its checksum says" in refusal(path)


def test_a_compressed_file_is_told_how_to_be_packed(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries({"a.b": tensor_of(np.zeros(10**6))}).items():
            archive.writestr(f"a/{name}", data)
    assert "pack its folder again with `zip -0 -r`" in refusal(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_entry_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = write_torch(tmp_path / "model.pth", {"a.b": tensor_of(np.ones(2))})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("archive/data/0", np.zeros(2).tobytes())
    assert "archive/data/0 is there twice" in refusal(path)


def test_a_second_folder_is_refused(tmp_path: Path) -> None:
    path = write_torch(tmp_path / "model.pth", {"a.b": tensor_of(np.ones(2))})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other/data.pkl", b"N.")
    assert "expected one folder with data.pkl" in refusal(path)


def test_missing_numbers_are_named(tmp_path: Path) -> None:
    content = entries({"a.b": tensor_of(np.ones(2))})
    del content["data/0"]
    assert "data/0 is missing" in refusal(written(tmp_path, content))


@pytest.mark.parametrize("value", [1, 2**31, 2**32 - 2])
@pytest.mark.parametrize(
    ("header", "place"),
    [(b"PK\x01\x02", 20), (b"PK\x01\x02", 24), (b"PK\x01\x02", 42), (b"PK\x05\x06", 12)],
    ids=["packed size", "size", "offset", "size of the list"],
)
def test_a_wrong_list_of_entries_is_refused_in_little_memory(
    tmp_path: Path, header: bytes, place: int, value: int
) -> None:
    content = bytearray(zipped(entries({"a.b": tensor_of(np.ones(9))})))
    place += content.index(header)
    content[place : place + 4] = struct.pack("<I", value)
    tracemalloc.start()
    try:
        assert "incomplete or damaged" in refusal(written(tmp_path, bytes(content)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10e6


def test_entries_that_overlap_are_refused(tmp_path: Path) -> None:
    content = zipped(
        {**entries({"a.b": tensor_of(np.ones(1000))}), **{f"data/{n}": b"" for n in range(1, 9)}}
    )
    changed = bytearray(content)
    first = changed.index(b"PK\x01\x02")
    while (first := changed.find(b"PK\x01\x02", first + 1)) != -1:
        changed[first + 20 : first + 28] = struct.pack("<II", 8000, 8000)
    assert "its entries are larger than the file" in refusal(written(tmp_path, bytes(changed)))
