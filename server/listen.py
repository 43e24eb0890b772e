"""Where a tritonserver listens, for gRPC, HTTP and its metrics, and what gRPC is encrypted with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from server.ports import is_loopback, reserve
from server.tls import Tls

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Address:
    """One that a server listens on; as a string it is what a client's ``url`` may be."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Listen:
    """What is asked of a server that is to start, and what one listens on that has started."""

    host: str = LOOPBACK
    """Of requests."""
    http_host: str | None = None
    """Of requests over HTTP; None for `host`, or with TLS, which Triton has for gRPC alone, for
    127.0.0.1."""
    metrics_host: str = LOOPBACK
    http_port: int = 0
    """0, here and below, takes a free one."""
    grpc_port: int = 0
    metrics_port: int = 0
    tls: Tls | None = None
    """None for plain text."""

    @property
    def http(self) -> Address:
        host = self.http_host or (self.host if self.tls is None else LOOPBACK)
        return Address(host, self.http_port)

    @property
    def grpc(self) -> Address:
        return Address(self.host, self.grpc_port)

    @property
    def metrics(self) -> Address:
        return Address(self.metrics_host, self.metrics_port)

    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return all(is_loopback(address.host) for address in (self.http, self.grpc, self.metrics))

    @contextmanager
    def reserved(self) -> Iterator[Listen]:
        """The same with free ports in place of the zeros; nobody else gets them in the meantime.

        Raises:
            ServerError: a port is taken, or an address is not one of this machine.
        """
        with ExitStack() as cleanup:

            def port(address: Address, option: str) -> int:
                socket = cleanup.enter_context(reserve(address.host, address.port, option))
                return int(socket.getsockname()[1])

            yield replace(
                self,
                http_port=port(self.http, "--http-port"),
                grpc_port=port(self.grpc, "--grpc-port"),
                metrics_port=port(self.metrics, "--metrics-port"),
            )

    def options(self) -> list[str]:
        """Returns tritonserver's options."""
        return [
            f"--http-address={self.http.host}",
            f"--http-port={self.http.port}",
            f"--grpc-address={self.grpc.host}",
            f"--grpc-port={self.grpc.port}",
            f"--metrics-address={self.metrics.host}",
            f"--metrics-port={self.metrics.port}",
            *(self.tls.options() if self.tls is not None else ()),
        ]


FREE_PORTS = Listen()
TRITONS_PORTS = Listen(http_port=8000, grpc_port=8001, metrics_port=8002)
"""Those that tritonserver itself would take, and clients expect."""
