"""`python -m client label-studio`: its options, and the server that they ask for."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal

from client.connection.options import add_connection, connection_of, number_between
from client.errors import ClientError

PORT = 9090
"""That Label Studio's documentation has for backends."""

CLOSE_WITHIN_S = 2.0
"""For requests that are under way at the end."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add those of the backend and of its connection, and what runs it."""
    add_connection(parser)
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="where to listen for Label Studio; whoever reaches it may ask (default: %(default)s)",
    )
    parser.add_argument(
        "--port",
        type=number_between(0, 65535, int),
        default=PORT,
        metavar="PORT",
        help="0 for any that is free (default: %(default)s)",
    )
    parser.add_argument(
        "--label-studio",
        default="http://127.0.0.1:8080",
        metavar="URL",
        help="where Label Studio is, for the pictures that lie there (default: %(default)s); with "
        "the token of a user in the environment, as LABEL_STUDIO_API_KEY",
    )
    parser.add_argument(
        "--pictures-from",
        action="append",
        default=[],
        metavar="URL",
        help="http://HOST[:PORT] of another place where the tasks' pictures may be; may be given "
        "several times",
    )
    parser.add_argument(
        "--score-threshold",
        type=number_between(0, 1),
        default=0.5,
        metavar="SCORE",
        help="leave out lower scores (default: %(default)s)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Answer Label Studio until Ctrl-C or SIGTERM.

    Raises:
        ClientError: no usable server of the model, options that do not fit, or no such port.
    """
    asyncio.run(_serve(options))
    return 0


async def _serve(options: argparse.Namespace) -> None:
    from aiohttp import web
    from yarl import URL

    from client.annotation.label_studio.backend import Backend
    from client.annotation.label_studio.pictures import API_KEY, Pictures
    from client.detector import AsyncDetector

    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    connection = connection_of(options)
    pictures = Pictures(options.label_studio, os.environ.get(API_KEY), options.pictures_from)
    async with pictures, AsyncDetector(**vars(connection)) as detector:
        backend = Backend(detector, pictures, score_threshold=options.score_threshold)
        runner = web.AppRunner(
            backend.application(), access_log=None, shutdown_timeout=CLOSE_WITHIN_S
        )
        await runner.setup()
        try:
            site = web.TCPSite(runner, options.host, options.port)
            try:
                await site.start()
            except OSError as error:
                # asyncio's own words name the address once more.
                reason = os.strerror(error.errno) if error.errno else str(error)
                raise ClientError(
                    f"cannot listen on {options.host}:{options.port}: {reason}. --port names "
                    "another one"
                ) from error
            host, port = runner.addresses[0][:2]
            url = URL.build(scheme="http", host=host, port=port)
            print(
                f"Label Studio's backend with {backend.model_version} is at {url}: connect it in a "
                "project's Settings > Model (Ctrl-C ends it)",
                flush=True,
            )
            await ended.wait()
        finally:
            await runner.cleanup()
