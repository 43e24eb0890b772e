"""Who may ask the page, and what a browser may do with what it gets."""

from __future__ import annotations

from ipaddress import ip_address

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from yarl import URL

HEADERS = {
    # Nothing but the page's own files, and pictures that the browser itself holds.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def gate(host: str) -> Middleware:
    """Middleware that refuses what other sites make a browser ask.

    Args:
        host: the name or address that the page is served at.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        fault = _fault(request, host)
        if fault is not None:
            return web.json_response({"error": fault}, status=403)
        return await handler(request)

    return middleware


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Those that every response has."""
    response.headers.update(HEADERS)


def _fault(request: web.Request, host: str) -> str | None:
    """Why a request is refused; None where it is not."""
    if not _is_own_name(request.host, host):
        return (
            f"The page does not answer to the name {request.host}: open it by its address, or "
            "give that name with --host."
        )
    if request.method not in (hdrs.METH_GET, hdrs.METH_HEAD) and not _is_own_site(request):
        return "Another site's page asked, which may not."
    return None


def _is_own_name(asked: str, host: str) -> bool:
    """Whether a Host header is no name that somebody else could let point to this machine.

    Any address is: a site that rebinds its name to this machine has that name in the header.
    """
    try:
        name = URL(f"http://{asked}").host
    except ValueError:
        return False
    if name in ("localhost", host):
        return True
    try:
        ip_address(name or "")
    except ValueError:
        return False
    return True


def _is_own_site(request: web.Request) -> bool:
    """Whether the page itself asks, or no browser.

    Browsers tell with Sec-Fetch-Site, but to an http address of another machine with Origin alone.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get(hdrs.ORIGIN)
    return origin is None or origin.partition("://")[2] == request.host
