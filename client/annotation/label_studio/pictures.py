"""The pictures of tasks: from Label Studio itself, from places that are allowed, or in the task.

Who can make tasks decides which addresses are asked for here, from this machine and its network
(server-side request forgery). So only Label Studio's files and the origins that are named at the
start are, redirects are not followed, and Label Studio's key is sent to Label Studio alone.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Iterable
from types import TracebackType

import aiohttp
from yarl import URL

from client.errors import ClientError, PictureError

MOST_BYTES = 64 << 20
"""Of a picture."""
TIMEOUT = 30.0
"""Seconds for a picture, from asking to its last byte."""

UPLOADS = ("/data/", "/storage-data/")
"""Where Label Studio has files that were uploaded to it, or that lie beside it."""

API_KEY = "LABEL_STUDIO_API_KEY"
"""The variable of the environment, as Label Studio's own tools call it."""


class Pictures:
    """Reads the pictures of tasks.

    Args:
        label_studio: the address of Label Studio, such as `http://127.0.0.1:8080`.
        api_key: of a user there who may see the tasks: a personal access token, or a legacy one;
            None where the pictures are elsewhere.
        origins: `http://HOST:PORT` of the other places.

    Raises:
        ClientError: an address that is not of this form.
    """

    def __init__(self, label_studio: str, api_key: str | None, origins: Iterable[str]) -> None:
        self._label_studio = _address(label_studio, "--label-studio")
        self._api_key = api_key
        self._origins = {_address(each, "--pictures-from").origin() for each in origins}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Pictures:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=TIMEOUT),
            # Those of Label Studio would go to other ports of its host, too.
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def read(self, address: str) -> bytes:
        """The content of the picture at an address of a task.

        Args:
            address: `/data/...` on Label Studio, `http://...`, `https://...`, or `data:...`.

        Raises:
            PictureError: it is not to be asked for, or was not to be had.
        """
        if address.startswith("data:"):
            return _inline(address)
        url = self._url(address)
        headers = {}
        if url.origin() == self._label_studio.origin():
            headers = await self._authorization()
        return await self._fetched(url, headers)

    def _url(self, address: str) -> URL:
        """Raises `PictureError` for what is not to be asked for."""
        try:
            # Joining takes `..` out of the path, which is what the server would do.
            url = self._label_studio.join(URL(address))
        except ValueError as error:
            raise PictureError(f"{_shown(address)} is no address: {error}") from error
        if url.scheme not in ("http", "https"):
            raise PictureError(
                f"{_shown(address)}: {url.scheme}:// is not read, cloud storage neither; http://, "
                "https:// and data: are, and what was uploaded to Label Studio or lies beside it"
            )
        if url.user is not None or url.password is not None:
            raise PictureError(f"{_shown(address)} has a user's name in it: leave that out")
        if url.origin() in self._origins:
            return url
        if url.origin() != self._label_studio.origin():
            raise PictureError(
                f"{_shown(address)} is at {url.origin()}, which is not asked for pictures: if that "
                f"is right, begin again with --pictures-from {url.origin()}"
            )
        if not url.path.startswith(UPLOADS):
            raise PictureError(
                f"{_shown(address)} is no file on Label Studio: those are under "
                f"{' and '.join(UPLOADS)}"
            )
        return url

    async def _authorization(self) -> dict[str, str]:
        if not self._api_key:
            raise PictureError(
                "the picture lies on Label Studio, which gives it to its users alone: set "
                f"{API_KEY} to a token from Account & Settings there, and begin again"
            )
        if self._api_key.count(".") != 2:
            return {"Authorization": f"Token {self._api_key}"}
        # A personal access token is a JSON Web Token, which buys one for some minutes.
        url = self._label_studio.join(URL("/api/token/refresh"))
        assert self._session is not None
        try:
            async with self._session.post(
                url, json={"refresh": self._api_key}, allow_redirects=False
            ) as answer:
                if answer.status != 200:
                    raise PictureError(
                        f"Label Studio does not take the token in {API_KEY} (status "
                        f"{answer.status}): make a new one in Account & Settings"
                    )
                return {"Authorization": f"Bearer {(await answer.json())['access']}"}
        except (aiohttp.ClientError, asyncio.TimeoutError, KeyError, ValueError) as error:
            raise PictureError(f"Label Studio does not answer at {url}: {error!r}") from error

    async def _fetched(self, url: URL, headers: dict[str, str]) -> bytes:
        assert self._session is not None
        try:
            async with self._session.get(url, headers=headers, allow_redirects=False) as answer:
                if 300 <= answer.status < 400:
                    raise PictureError(
                        f"{url} sends on to {_shown(answer.headers.get('Location', 'nowhere'))}, "
                        "which is not followed: give tasks the address of the picture itself"
                    )
                if answer.status in (401, 403) and headers:
                    raise PictureError(
                        f"Label Studio does not give {url} to the user of {API_KEY} (status "
                        f"{answer.status}): does the token belong to a member of the project, and "
                        "are tokens of its kind switched on in Organization?"
                    )
                if answer.status != 200:
                    raise PictureError(f"{url} answers with status {answer.status}")
                content = bytearray()
                async for part in answer.content.iter_any():
                    content += part
                    if len(content) > MOST_BYTES:
                        raise PictureError(f"{url} has more than {MOST_BYTES >> 20} MB")
                return bytes(content)
        except asyncio.TimeoutError as error:
            raise PictureError(f"{url} did not arrive within {TIMEOUT:g} s") from error
        except aiohttp.ClientError as error:
            raise PictureError(f"{url} is not to be had: {error}") from error


def _address(text: str, option: str) -> URL:
    try:
        url = URL(text)
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host or url.user is not None:
        raise ClientError(
            f"{option} is {text!r}: give http:// or https:// and HOST[:PORT], such as "
            "http://127.0.0.1:8080"
        )
    return url


def _inline(address: str) -> bytes:
    kind, comma, data = address.partition(",")
    if not comma or not kind.endswith(";base64"):
        raise PictureError(f"{_shown(address)} is not data:image/...;base64,...")
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PictureError(f"{_shown(address)} is not base64: {error}") from error


def _shown(address: str) -> str:
    """Its beginning: it may be long, and hold anything."""
    return ascii(address if len(address) <= 200 else address[:200] + "...")
