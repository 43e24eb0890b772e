"""JSON files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from client.errors import ClientError
from client.json_file import parse_json, write_json


def test_the_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    file = tmp_path / "summary.json"
    for value in ({"AP": 1.5}, {"AP": None}):
        write_json(file, value)

        assert json.loads(file.read_text()) == value
        assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match=r"cannot write .*absent/summary\.json"):
        write_json(tmp_path / "absent" / "summary.json", {})


def test_json_is_parsed_from_text_and_bytes() -> None:
    assert parse_json('{"a": [1, null]}') == parse_json(b'{"a": [1, null]}') == {"a": [1, None]}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * 200_000, "nested too deeply"),
        ('{"a":' * 200_000, "nested too deeply"),
        ("[" * 200_000 + "]" * 200_000, "nested too deeply"),
        (b"\xff\xfe\xff", "codec can't decode"),
        ("9" * 5000, "4300 digits"),
        ("", "Expecting value"),
    ],
)
def test_what_is_no_json_is_a_value_error(text: str | bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_json(text)
