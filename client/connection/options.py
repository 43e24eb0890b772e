"""The command line's options for a connection."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from client.connection.settings import DEFAULT_URLS, Connection
from client.connection.tls import Tls
from client.errors import ClientError


def add_connection(parser: argparse.ArgumentParser) -> None:
    """Add the options of which `connection_of` makes a `Connection` for many requests."""
    defaults = Connection()
    add_servers(
        parser,
        several="with the same model that share the pictures: those of one that goes away go to "
        "the others until it is back",
    )
    parser.add_argument(
        "--concurrency",
        type=number_between(1, 1024, int),
        default=defaults.concurrency,
        metavar="N",
        help="requests in flight at once, over all servers (default: %(default)s)",
    )
    parser.add_argument(
        "--trace",
        action="store_true",
        default=defaults.trace,
        help="send a W3C traceparent with each request: a server with tracing traces all of them",
    )


def add_servers(parser: argparse.ArgumentParser, *, several: str) -> None:
    """Add those that say which servers, which model, and how to reach them.

    Args:
        parser: gets them.
        several: the help's words for what several servers are for.
    """
    defaults = Connection()
    parser.add_argument(
        "--protocol",
        choices=sorted(DEFAULT_URLS),
        default=defaults.protocol,
        help="default: %(default)s",
    )
    urls = ", ".join(f"{url} for {protocol}" for protocol, url in DEFAULT_URLS.items())
    parser.add_argument(
        "--url",
        default=defaults.url,
        metavar="HOST:PORT[,HOST:PORT...]",
        help=f"the server, or several {several} (default: {urls})",
    )
    parser.add_argument(
        "--model",
        default=defaults.model,
        metavar="NAME",
        help="the served model to ask: the name of its build (default: %(default)s)",
    )
    parser.add_argument(
        "--timeout",
        type=number_between(0.001, 86400),
        default=defaults.timeout,
        metavar="SECONDS",
        help="how long one request may take; then it is sent once more (default: %(default)g)",
    )
    parser.add_argument(
        "--retry-for",
        type=number_between(0, 86400),
        default=defaults.retry_for,
        metavar="SECONDS",
        help="how long to wait while no server is there, or while a picture is turned away "
        "because the servers are too busy (default: %(default)g)",
    )
    parser.add_argument(
        "--tls-ca",
        type=Path,
        metavar="FILE",
        help="use TLS, with a server whose certificate is signed by one of these (PEM)",
    )
    parser.add_argument(
        "--tls-certificate",
        type=Path,
        metavar="FILE",
        help="the client's own certificate, for a server that asks for one (PEM)",
    )
    parser.add_argument(
        "--tls-key", type=Path, metavar="FILE", help="the key of --tls-certificate (PEM)"
    )


def connection_of(options: argparse.Namespace) -> Connection:
    """What the parsed options say.

    Raises:
        ClientError: they do not go together, or a file that they name is unfit.
    """
    given = vars(options)
    values = {each.name: given[each.name] for each in fields(Connection) if each.name in given}
    return Connection(**values, tls=_tls(options))


def number_between(
    least: float, most: float, kind: type[int] | type[float] = float
) -> Callable[[str], float]:
    """An argparse `type` for numbers from `least` to `most`."""

    def convert(text: str) -> float:
        value = kind(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not between {least:g} and {most:g}")
        return value

    convert.__name__ = kind.__name__  # what argparse calls it where `kind` refuses the text
    return convert


def _tls(options: argparse.Namespace) -> Tls | None:
    if options.tls_ca is not None:
        return Tls(options.tls_ca, options.tls_certificate, options.tls_key)
    if options.tls_certificate is not None or options.tls_key is not None:
        raise ClientError(
            "--tls-ca is missing: the certificate of the authority that signed the server's"
        )
    return None
