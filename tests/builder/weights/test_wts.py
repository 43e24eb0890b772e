from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from builder.errors import BuildError
from builder.weights import wts
from builder.weights.wts import read_wts
from tests.builder.weights.small_network import write_wts

on_tmp_path = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

ONE, TWO = "3f800000", "40000000"


def read(tmp_path: Path, text: str | bytes) -> dict[str, list[float]]:
    path = tmp_path / "model.wts"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return {name: vector.tolist() for name, vector in read_wts(path).items()}


def refusal(tmp_path: Path, text: str | bytes) -> str:
    with pytest.raises(BuildError) as refused:
        read(tmp_path, text)
    assert str(tmp_path / "model.wts") in str(refused.value)
    return str(refused.value)


@on_tmp_path
@given(
    st.dictionaries(
        st.text(st.characters(codec="ascii", exclude_categories=["Z", "C"]), min_size=1),
        arrays(np.float32, st.integers(0, 40), elements=st.floats(width=32)),
        max_size=4,
    )
)
def test_what_was_written_is_read_bit_for_bit(
    tmp_path: Path, entries: dict[str, np.ndarray]
) -> None:
    got = read_wts(write_wts(tmp_path / "model.wts", entries))
    assert list(got) == list(entries)
    for name, vector in got.items():
        assert vector.dtype == np.float32
        np.testing.assert_array_equal(vector.view(np.uint32), entries[name].view(np.uint32))


@pytest.mark.parametrize("chunk", [20, 21, 25, 26, 27, 28, 29, 30, 64, 1000])
def test_where_a_chunk_of_text_ends_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(wts, "CHUNK_BYTES", chunk)
    rng = np.random.default_rng(chunk)
    entries = {f"a.{n}": rng.normal(size=n).astype(np.float32) for n in range(30)}
    got = read_wts(write_wts(tmp_path / "model.wts", entries))
    for name, vector in entries.items():
        np.testing.assert_array_equal(got[name], vector)


def test_the_bytes_are_those_of_pythons_struct(tmp_path: Path) -> None:
    words = " ".join(struct.pack(">f", value).hex() for value in (1.5, -0.1, 3e38))
    assert read(tmp_path, f"1\na 3  {words}\n") == {
        "a": np.array([1.5, -0.1, 3e38], np.float32).tolist()
    }


@pytest.mark.parametrize(
    "text",
    [
        f"1\na 2  {ONE} {TWO}\n",
        f"1\na 2  {ONE} {TWO}",
        f"1\r\na 2 {ONE} {TWO} \r\n",
        f" 1 \n\n  a\t2\t{ONE}   {TWO}\n\n \n",
        f"1\na 2 {ONE} {TWO.upper()}\n",
    ],
)
def test_any_white_space_splits(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == {"a": [1.0, 2.0]}


def test_an_entry_may_be_empty(tmp_path: Path) -> None:
    assert read(tmp_path, f"2\na 0\nb 1 {ONE}\n") == {"a": [], "b": [1.0]}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"1\na 2 {ONE}\n", "line 2, a: has 1 of the 2 values"),
        (f"1\na 2 {ONE}", "line 2, a: has 1 of the 2 values"),
        ("1\na 2\n", "line 2, a: has 0 of the 2 values"),
        ("1\na 2", "line 2, a: has 0 of the 2 values"),
        (f"2\na 1 {ONE}\nb 1 {ONE} {TWO}\n", "line 3, b: has more than the 1 values"),
        (f"1\na 0 {ONE}\n", "line 2, a: has more than the 0 values"),
        (f"1\na 999999999999 {ONE}\n", "has 1 of the 999999999999 values"),
        (f"1\na 2 {ONE} 4000\n", "line 2, a: value 2 of 2 is '4000'"),
        (f"1\na 2 {ONE} 4000", "line 2, a: value 2 of 2 is '4000'"),
        (f"1\na 2 {ONE}0 {TWO}\n", f"value 1 of 2 is '{ONE}0'"),
        (f"1\na 2 {ONE} 4000000g\n", "value 2 of 2 is '4000000g'"),
        (f"1\na 2 {ONE} 0x400000\n", "value 2 of 2 is '0x400000'"),
        (f"1\na 2 {ONE} -4000000\n", "value 2 of 2 is '-4000000'"),
        (f"1\na 2 {ONE} 1.000000\n", "value 2 of 2 is '1.000000'"),
        (f"1\na 2 {ONE} 3f 80 00 00\n", "value 2 of 2 is '3f'"),
        (f"1\na 1 {ONE}b 1 {ONE}\n", f"value 1 of 1 is '{ONE}b'"),
        (f"1\na 1 {'0' * 100}\n", "value 1 of 1 is '000"),
        (f"1\na {ONE}x\n", "line 2: begins with"),
        (f"1\na -1 {ONE}\n", "line 2: begins with 'a -1"),
        ("1\na 1.5\n", "line 2: begins with"),
        ("1\na\n", "line 2: begins with 'a"),
        ("1\na 99999999999999999999 0\n", "line 2: begins with"),
        (f"1\n{ONE} {TWO}x\n", "line 2: begins with"),
        (f"2\na 1 {ONE}\n\na 1 {ONE}\n", "line 4, a: is there a second time"),
        (f"2\na 1 {ONE}\n", "announces 2 entries, 1 follow"),
        (f"1\na 1 {ONE}\nb 1 {ONE}\n", "announces 1 entries, 2 follow"),
        ("3\n", "announces 3 entries, 0 follow"),
        ("a 1 3f800000\n", "line 1: 'a 1 3f800000"),
        ("-1\n", "line 1: "),
        ("1 2\n", "line 1: "),
        ("\n1\n", "line 1: "),
        ("9" * 5000 + "\n", "line 1: "),
        (b"\x80\x04\x95\xff", "line 1: "),
        (b"PK\x03\x04" + bytes(5000), "line 1: "),
        (b"1\na\xff 1 3f80000\xff\n", r"line 2, a\xff: value 1 of 1 is '3f80000\xff'"),
    ],
)
def test_a_damaged_file_is_refused_with_line_and_entry(
    tmp_path: Path, text: str | bytes, says: str
) -> None:
    assert says in refusal(tmp_path, text)


@pytest.mark.parametrize("chunk", [20, 1000])
def test_a_file_cut_short_anywhere_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(wts, "CHUNK_BYTES", chunk)
    rng = np.random.default_rng(0)
    entries = {"backbone.a": rng.normal(size=5), "b": rng.normal(size=3)}
    path = write_wts(tmp_path / "whole.wts", {k: v.astype(np.float32) for k, v in entries.items()})
    whole = path.read_bytes()
    read(tmp_path, whole[:-1])  # only the last line break
    for length in range(len(whole) - 1):
        refusal(tmp_path, whole[:length])


def test_a_long_word_is_refused_before_it_is_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wts, "CHUNK_BYTES", 100)
    path = tmp_path / "model.wts"
    path.write_bytes(b"0" * 10_000)
    with path.open("rb") as file:
        with pytest.raises(BuildError, match="value 1 of 1"):
            wts._values("here", 1, b"", file)
        assert file.tell() <= 200


@on_tmp_path
@given(st.binary(max_size=100) | st.from_regex(rb"[0-9]{1,2}\n([ab] [0-9] [0-9a-f ]{0,30}\n){0,3}"))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.wts"
    path.write_bytes(content)
    try:
        read_wts(path)
    except BuildError as error:
        message = str(error)
    else:
        message = str(path)
    assert message.startswith(str(path))
