"""The page's server: it gives browsers the page, and asks the models for them."""

from __future__ import annotations

import asyncio
import secrets
import signal
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from client.connection.settings import Connection
from client.errors import ClientError, PictureError
from client.page.answer import answer
from client.page.gate import add_headers, gate
from client.page.models import Models
from client.page.timings import Spent, Timings, spent, timings
from client.page.upload import MOST_BYTES, as_jpeg, take
from client.pictures.drawing import KEYPOINT_THRESHOLD
from client.pictures.encoded import EncodedPicture
from client.pictures.files import find_pictures, read_picture

STATIC = Path(__file__).parent / "static"
MOST_EXAMPLES = 24
THUMBNAIL = 160
"""Pixels of the longer side."""
CLOSE_WITHIN_S = 2.0
MORE_TRIES_FOR_STATISTICS = 5
"""Triton may count a request a little after it has answered."""


async def serve(connection: Connection, *, host: str, port: int, examples: Path | None) -> None:
    """Serve the page until SIGINT or SIGTERM.

    Args:
        connection: the servers, and the model that is chosen at first.
        host, port: where browsers find the page.
        examples: a folder of pictures to choose from.

    Raises:
        ClientError: no server is there, or no model of this project; no pictures in `examples`;
            the port is taken.
    """
    pictures = [] if examples is None else sorted(find_pictures([examples]))[:MOST_EXAMPLES]
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with Models(connection) as models:
        await models.names()
        app = application(connection, models, pictures, host)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_WITHIN_S)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            print(f"The page is at http://{_in_url(host)}:{port} (Ctrl-C ends it)", flush=True)
            await ended.wait()
        except OSError as error:
            raise ClientError(
                f"the page cannot be served at {host}:{port}: {error.strerror}; another program "
                "may have the port: choose another --port"
            ) from error
        finally:
            await runner.cleanup()


def application(
    connection: Connection, models: Models, examples: list[Path], host: str
) -> web.Application:
    """The page and what it asks for, to be served at `host`."""
    page = _Page(connection, models, examples)
    app = web.Application(middlewares=[gate(host), _told], client_max_size=MOST_BYTES)
    app.on_response_prepare.append(add_headers)
    app.add_routes(
        [
            web.get("/", _file("index.html")),
            *(web.get(f"/{path.name}", _file(path.name)) for path in STATIC.iterdir()),
            web.get("/settings", page.settings),
            web.get(r"/examples/{number:\d+}", page.example),
            web.get(r"/examples/{number:\d+}/thumbnail", page.thumbnail),
            web.post("/detect/{model}", page.detect),
            web.post("/shown", page.shown),
        ]
    )
    return app


class _Page:
    """What the page asks for."""

    def __init__(self, connection: Connection, models: Models, examples: list[Path]) -> None:
        self._connection = connection
        self._models = models
        self._examples = examples
        # No more uploads are in memory than pictures are under way.
        self._slots = asyncio.Semaphore(connection.concurrency)

    async def settings(self, _request: web.Request) -> web.Response:
        """The models of now, and what the page has to know before a picture is given."""
        return web.json_response(
            {
                "models": await self._models.names(),
                "model": self._connection.model,
                "servers": self._connection.addresses,
                "examples": [path.name for path in self._examples],
                "most_bytes": MOST_BYTES,
                "keypoint_threshold": KEYPOINT_THRESHOLD,
            }
        )

    async def detect(self, request: web.Request) -> web.Response:
        """What a model finds in the picture that is the request's body."""
        model = request.match_info["model"]
        request_id = f"page-{secrets.token_hex(4)}"
        async with self._slots:
            content, detector, before = await asyncio.gather(
                request.read(), self._models.detector(model), self._spent()
            )
            picture = take(content)
            sent = time.perf_counter()
            found = await detector.detect(picture, request_id=request_id)
            total = (time.perf_counter() - sent) * 1000
        taken = await self._timings(model, before, total)
        return web.json_response(
            {
                "request": request_id,
                "timings": asdict(taken),
                **answer(found),
            }
        )

    async def shown(self, request: web.Request) -> web.Response:
        """As a JPEG, the picture that is the request's body: not every browser shows them all."""
        async with self._slots:
            return await _jpeg(take(await request.read()))

    async def example(self, request: web.Request) -> web.Response:
        """An example's file."""
        return web.Response(body=read_picture(self._example(request)))

    async def thumbnail(self, request: web.Request) -> web.Response:
        """A small JPEG of an example."""
        return await _jpeg(EncodedPicture.read(self._example(request)), THUMBNAIL)

    def _example(self, request: web.Request) -> Path:
        number = int(request.match_info["number"])
        if number >= len(self._examples):
            raise web.HTTPNotFound
        return self._examples[number]

    async def _timings(self, model: str, before: Mapping[str, Spent], total: float) -> Timings:
        taken = timings(model, before, await self._spent() if before else {}, total)
        for _ in range(MORE_TRIES_FOR_STATISTICS if before else 0):
            if taken.complete:
                break
            await asyncio.sleep(0.002)
            taken = timings(model, before, await self._spent(), total)
        return taken

    async def _spent(self) -> dict[str, Spent]:
        try:
            return spent(await self._models.statistics())
        except ClientError:  # the page then says that it has none
            return {}


@web.middleware
async def _told(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns faults into sentences."""
    try:
        return await handler(request)
    except PictureError as error:
        return _fault(f"This picture cannot be used: {error}.", 422)
    except ClientError as error:
        return _fault(f"No answer: {error}", 502)
    except web.HTTPRequestEntityTooLarge:
        return _fault(
            "This picture cannot be used: it has more than the "
            f"{MOST_BYTES // 2**20} MB that the page takes.",
            413,
        )


def _fault(sentence: str, status: int) -> web.Response:
    return web.json_response({"error": sentence}, status=status)


def _file(name: str) -> Handler:
    async def answer_with_file(_request: web.Request) -> web.StreamResponse:
        return web.FileResponse(STATIC / name)

    return answer_with_file


async def _jpeg(picture: EncodedPicture, longest: int | None = None) -> web.Response:
    jpeg = await asyncio.to_thread(as_jpeg, picture, longest)
    return web.Response(body=jpeg, content_type="image/jpeg")


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
