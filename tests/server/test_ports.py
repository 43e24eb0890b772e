from __future__ import annotations

import socket

import pytest

from server.errors import ServerError
from server.ports import holder, is_loopback, reserve


def test_free_ports_are_never_given_twice() -> None:
    reserved = [reserve("127.0.0.1", 0, "--grpc-port") for _ in range(50)]
    try:
        assert len({each.getsockname()[1] for each in reserved}) == 50
    finally:
        for each in reserved:
            each.close()


def test_a_reserved_port_can_be_listened_on_as_tritonserver_does() -> None:
    with reserve("127.0.0.1", 0, "--grpc-port") as reserved, socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(reserved.getsockname())
        server.listen()
        with socket.create_connection(reserved.getsockname(), timeout=10):
            server.accept()[0].close()


def test_a_reserved_port_is_refused_to_a_socket_that_does_not_share_it() -> None:
    with (
        reserve("127.0.0.1", 0, "--grpc-port") as reserved,
        socket.socket() as other,
        pytest.raises(OSError, match="in use"),
    ):
        other.bind(reserved.getsockname())


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(ServerError, match=f"cannot listen on {host}:0: "):
        reserve(host, 0, "--grpc-port")


def test_nobody_holds_a_port_that_is_only_reserved() -> None:
    with reserve("127.0.0.1", 0, "--grpc-port") as reserved:
        assert holder(reserved.getsockname()[1]) is None


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.0.0.2", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("10.0.0.7", False),
        ("server.example", False),
    ],
)
def test_only_loopback_addresses_are_this_machines_alone(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
