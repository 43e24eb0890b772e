"""JSON from files that may hold anything."""

from __future__ import annotations

import pytest

from artifact.json_text import parse_json


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
