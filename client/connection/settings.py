"""How a served model is reached."""

from __future__ import annotations

from dataclasses import dataclass

from artifact.names import DEFAULT_NAME
from client.connection.tls import Tls
from client.errors import ClientError

DEFAULT_URLS = {"grpc": "127.0.0.1:8001", "http": "127.0.0.1:8000"}
"""Triton's own ports on this machine, by the protocol."""


@dataclass(frozen=True)
class Connection:
    """Which servers are asked for which model, and how.

    Raises:
        ClientError: `url` names a server twice.
    """

    url: str | None = None
    """`HOST:PORT`, or several with commas between them, which share the requests; None for the one
    in `DEFAULT_URLS`. Of several servers one must answer at once, the others may do so later."""
    protocol: str = "grpc"
    """`grpc` or `http`."""
    model: str = DEFAULT_NAME
    """The name of the served model: of an ensemble, or of a model that answers like one."""
    tls: Tls | None = None
    """None for connections without it."""
    concurrency: int = 16
    """Requests in flight at once, over all servers."""
    timeout: float = 300.0
    """Seconds that one request may take; then it is sent once more."""
    retry_for: float = 60.0
    """Seconds to wait while all servers are away, or while none takes a request."""
    trace: bool = False
    """Send each request with a W3C `traceparent`: a server with tracing traces it then."""

    def __post_init__(self) -> None:
        addresses = self.addresses
        repeated = sorted({address for address in addresses if addresses.count(address) > 1})
        if repeated:
            raise ClientError(f"--url names {', '.join(repeated)} more than once")

    @property
    def addresses(self) -> list[str]:
        """The `HOST:PORT` of each server."""
        url = DEFAULT_URLS[self.protocol] if self.url is None else self.url
        return [address.strip() for address in url.split(",")]
