from __future__ import annotations

from pathlib import Path

import pytest

from server import access
from server.errors import ServerError


def test_a_key_is_the_one_line_of_its_file(tmp_path: Path) -> None:
    key = access.new_key()
    (tmp_path / "key").write_text(f"{key}\n")
    assert access.read_key(tmp_path / "key") == key


def test_no_two_keys_are_the_same() -> None:
    assert access.new_key() != access.new_key()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "too short\n",
        "fifteen-letters",
        "two words 0123456789",
        "0123456789\n0123456789",
        "ключ" * 9,
    ],
)
def test_what_is_no_key_is_refused_with_a_way_to_make_one(tmp_path: Path, content: str) -> None:
    file = tmp_path / "key"
    file.write_text(content)
    with pytest.raises(ServerError) as error:
        access.read_key(file)
    assert str(error.value).startswith(f"{file} holds no access key: expected was one line of")
    assert str(error.value).endswith(f"openssl rand -hex 32 > {file}")


def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"the access key .*/key cannot be read: No such file"):
        access.read_key(tmp_path / "key")
