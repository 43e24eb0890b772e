"""The command line's options for a connection."""

from __future__ import annotations

import argparse

import pytest

from client.connection.options import add_connection, connection_of
from client.connection.settings import Connection


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    add_connection(parser)
    return parser


def test_without_any_it_is_the_default_connection(parser: argparse.ArgumentParser) -> None:
    assert connection_of(parser.parse_args([])) == Connection()


def test_each_reaches_the_connection(parser: argparse.ArgumentParser) -> None:
    options = parser.parse_args(
        ["--url", "a:1,b:2", "--protocol", "http", "--model", "birds", "--concurrency", "3",
         "--timeout", "4.5", "--retry-for", "0", "--trace"]
    )  # fmt: skip

    assert connection_of(options) == Connection(
        url="a:1,b:2",
        protocol="http",
        model="birds",
        concurrency=3,
        timeout=4.5,
        retry_for=0.0,
        trace=True,
    )
