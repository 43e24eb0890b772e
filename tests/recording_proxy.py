"""An HTTP proxy that notes what it is asked for."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VARIABLES = ("grpc_proxy", "https_proxy", "http_proxy", "all_proxy")
EXCEPTIONS = ("no_grpc_proxy", "no_proxy", "NO_PROXY")
CHUNK = 1 << 16


@dataclass
class RecordingProxy:
    url: str
    leads_to: dict[str, str] = field(default_factory=dict)
    """The "HOST:PORT" to which it connects those who ask for another one; all else it refuses."""
    asked: list[str] = field(default_factory=list)
    """The first line of each request."""


@contextmanager
def recording_proxy() -> Iterator[RecordingProxy]:
    """A proxy on a free port of 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        raw_requestline: bytes

        def parse_request(self) -> bool:
            proxy.asked.append(self.raw_requestline.decode("latin-1").strip())
            return super().parse_request()

        def do_CONNECT(self) -> None:
            if self.path not in proxy.leads_to:
                self.send_error(403)
                return
            host, _, port = proxy.leads_to[self.path].rpartition(":")
            with socket.create_connection((host, int(port)), timeout=10) as server:
                self.send_response(200)
                self.end_headers()
                _connect(self.connection, server)
            self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        proxy = RecordingProxy(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield proxy
        finally:
            server.shutdown()


def _connect(one: socket.socket, other: socket.socket) -> None:
    """Passes bytes on in both directions until one of the two has no more."""
    with selectors.DefaultSelector() as selector:
        selector.register(one, selectors.EVENT_READ, other)
        selector.register(other, selectors.EVENT_READ, one)
        while True:
            for key, _ in selector.select():
                assert isinstance(key.fileobj, socket.socket)
                data = key.fileobj.recv(CHUNK)
                if not data:
                    return
                key.data.sendall(data)
