"""How a served model is reached."""

from __future__ import annotations

import pytest

from client.connection.settings import Connection
from client.errors import ClientError


def test_several_servers_are_named_with_commas_and_one_is_tritons_own_port() -> None:
    assert Connection("a:1, b:2").addresses == ["a:1", "b:2"]
    assert Connection().addresses == ["127.0.0.1:8001"]
    assert Connection(protocol="http").addresses == ["127.0.0.1:8000"]


def test_a_server_named_twice_is_refused() -> None:
    with pytest.raises(ClientError, match=r"--url names 127\.0\.0\.1:1 more than once"):
        Connection("127.0.0.1:1,127.0.0.1:2,127.0.0.1:1")
