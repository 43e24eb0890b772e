"""TLS towards the server, and why a handshake fails: gRPC itself says little of it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.errors import ClientError

HANDSHAKE_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Tls:
    """What a connection is secured with: PEM files.

    Raises:
        ClientError: a file is missing or is not what it should be.
    """

    ca: Path
    """The certificates of the authorities that may have signed the server's."""
    certificate: Path | None = None
    """The client's own, for a server that asks for one (mutual TLS)."""
    key: Path | None = None
    """That of `certificate`."""

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ClientError("--tls-certificate and --tls-key belong together: give both")
        for option, path in (
            ("--tls-ca", self.ca),
            ("--tls-certificate", self.certificate),
            ("--tls-key", self.key),
        ):
            try:
                if path is not None:
                    path.read_bytes()
            except OSError as error:
                raise ClientError(f"{option}: cannot read {path}: {error.strerror}") from error
        self.context()

    def context(self) -> ssl.SSLContext:
        """The same for Python's ssl."""
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except ssl.SSLError as error:
            raise ClientError(f"--tls-ca: {self.ca} holds no certificate in PEM format") from error
        if self.certificate is not None and self.key is not None:
            try:
                # An encrypted key must not ask for its password here.
                context.load_cert_chain(self.certificate, self.key, password=lambda: "")
            except ssl.SSLError as error:
                raise ClientError(
                    f"--tls-certificate, --tls-key: {self.certificate} and {self.key} are not a "
                    f"certificate and its unencrypted key in PEM format: {error.reason or error}"
                ) from error
        return context

    def client_options(self) -> dict[str, Any]:
        """The same for tritonclient's gRPC clients."""
        return {
            "ssl": True,
            "root_certificates": self.ca,
            "certificate_chain": self.certificate,
            "private_key": self.key,
        }


async def handshake_fault(url: str, tls: Tls | None) -> str | None:
    """Why TLS keeps a client from the gRPC server at "HOST:PORT"; None if it does not."""
    with suppress(OSError):  # nothing listens there: no matter of TLS
        return await asyncio.to_thread(_handshake_fault, url, tls)
    return None


def _handshake_fault(url: str, tls: Tls | None) -> str | None:
    host, _, port = url.rpartition(":")
    address = (host.strip("[]"), int(port))
    with socket.create_connection(address, HANDSHAKE_TIMEOUT_S) as connection:
        if tls is None:
            return _without_tls(connection)
        return _with_tls(connection, host.strip("[]"), tls)


def _without_tls(connection: socket.socket) -> str | None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    try:
        context.wrap_socket(connection).close()
    except OSError:
        return None
    return "it speaks TLS: name with --tls-ca the certificate of the authority that signed its own"


def _with_tls(connection: socket.socket, host: str, tls: Tls) -> str | None:
    context = tls.context()
    context.set_alpn_protocols(["h2"])
    try:
        with context.wrap_socket(connection, server_hostname=host) as secured:
            # A gRPC server speaks first, or, with TLS 1.3 only now, has closed the connection.
            if secured.recv(1):
                return None
    except ssl.SSLCertVerificationError as error:
        return f"its certificate is not trusted with --tls-ca {tls.ca}: {error.verify_message}"
    except TimeoutError:
        return None
    except (ssl.SSLEOFError, ConnectionResetError):
        pass
    except ssl.SSLError as error:
        if error.reason == "WRONG_VERSION_NUMBER":
            return "it does not speak TLS: leave out the --tls options"
        return f"the TLS handshake failed: {error.reason or error}"
    shown = "none was" if tls.certificate is None else f"{tls.certificate} was"
    return (
        "it closed the connection once it knew the client: it wants a certificate that an "
        f"authority of its own has signed (--tls-certificate, --tls-key), and {shown} given"
    )
