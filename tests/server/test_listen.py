from __future__ import annotations

from pathlib import Path

import pytest

from server.listen import FREE_PORTS, TRITONS_PORTS, Listen
from server.tls import Tls

TLS = Tls(Path("server.pem"), Path("server.key"))


@pytest.mark.parametrize(
    ("listen", "http_host"),
    [
        (Listen(), "127.0.0.1"),
        (Listen(host="10.0.0.7"), "10.0.0.7"),
        (Listen(host="10.0.0.7", http_host="10.0.0.8"), "10.0.0.8"),
        (Listen(host="10.0.0.7", tls=TLS), "127.0.0.1"),
        (Listen(host="10.0.0.7", http_host="10.0.0.8", tls=TLS), "10.0.0.8"),
    ],
)
def test_http_is_in_plain_text_on_other_hosts_only_where_that_was_asked_for(
    listen: Listen, http_host: str
) -> None:
    assert listen.http.host == http_host


@pytest.mark.parametrize(
    ("listen", "local"),
    [
        (FREE_PORTS, True),
        (TRITONS_PORTS, True),
        (Listen(host="10.0.0.7"), False),
        (Listen(http_host="10.0.0.7"), False),
        (Listen(metrics_host="10.0.0.7"), False),
    ],
)
def test_it_is_local_if_all_of_it_is(listen: Listen, local: bool) -> None:
    assert listen.is_local() is local


def test_every_reserved_port_is_a_free_one_of_its_own() -> None:
    with FREE_PORTS.reserved() as one, FREE_PORTS.reserved() as other:
        ports = {
            address.port
            for listen in (one, other)
            for address in (listen.http, listen.grpc, listen.metrics)
        }
    assert len(ports - {0}) == 6


def test_a_port_that_was_asked_for_is_kept_and_given_back() -> None:
    with FREE_PORTS.reserved() as listen:
        asked = Listen(grpc_port=listen.grpc.port)
    for _ in range(2):
        with asked.reserved() as listen:
            assert listen.grpc == asked.grpc
