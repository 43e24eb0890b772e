"""JSON files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from client.errors import ClientError
from client.json_file import write_json


def test_the_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    file = tmp_path / "summary.json"
    for value in ({"AP": 1.5}, {"AP": None}):
        write_json(file, value)

        assert json.loads(file.read_text()) == value
        assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match=r"cannot write .*absent/summary\.json"):
        write_json(tmp_path / "absent" / "summary.json", {})
