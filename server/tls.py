"""TLS for gRPC: the certificate that the server shows, and whose clients it lets in."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from pathlib import Path

from server.errors import ServerError


@dataclass(frozen=True)
class Tls:
    """PEM files, as tritonserver takes them."""

    certificate: Path
    """The server's, followed by those of the authorities between it and the root, if any."""
    key: Path
    """The server's, without a passphrase."""
    client_ca: Path | None = None
    """The authorities that sign clients' certificates; None lets clients without one in."""

    def check(self) -> None:
        """Raises ServerError if a file is missing or unfit, or a certificate is out of date.

        tritonserver itself would start with most of that, and refuse every client.
        """
        for path in filter(None, (self.certificate, self.key, self.client_ca)):
            _check_pem(path)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _load_key(server, self.certificate, self.key)
        if fault := _handshake_fault(server, self.certificate):
            raise ServerError(f"no client would accept {self.certificate}: {fault}")
        if self.client_ca is not None:
            _check_authorities(self.client_ca)

    def options(self) -> list[str]:
        """Returns tritonserver's options."""
        options = [
            "--grpc-use-ssl=true",
            f"--grpc-server-cert={self.certificate}",
            f"--grpc-server-key={self.key}",
        ]
        if self.client_ca is not None:
            options += ["--grpc-use-ssl-mutual=true", f"--grpc-root-cert={self.client_ca}"]
        return options


def _check_pem(path: Path) -> None:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ServerError(f"{path} cannot be read: {error.strerror}") from None
    if b"-----BEGIN " not in content:
        raise ServerError(
            f"{path} is not a PEM file: it has no line -----BEGIN …-----. From DER: openssl x509 "
            "-inform der, for a key openssl pkey -inform der"
        )
    if b"ENCRYPTED" in content:
        raise ServerError(
            f"{path} has a passphrase, for which tritonserver cannot ask; write it without one "
            f"(openssl pkey -in {path}) to where nobody else may read it"
        )


def _load_key(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ServerError(f"{key} is not the key of {certificate}") from None
        raise ServerError(
            f"{certificate} and {key} are not a certificate and its key: {error.reason or error}"
        ) from None


def _handshake_fault(server: ssl.SSLContext, certificate: Path) -> str | None:
    """What a client finds wrong with the certificate, were its issuer trusted and its name right.

    The standard library reads dates only from the certificate of a connection's other end.
    """
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client.load_verify_locations(certificate)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(to_client, to_server),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    for _ in range(2):  # the answers to hello and to hello's answer
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                return error.verify_message
    return None


def _check_authorities(path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as error:
        raise ServerError(f"{path} holds no certificate: {error.reason or error}") from None
    authorities = context.get_ca_certs()
    if not authorities:
        raise ServerError(f"{path}: its certificate is not an authority's, so it has signed nobody")
    for authority in authorities:
        until = str(authority["notAfter"])
        if ssl.cert_time_to_seconds(until) < time.time():
            raise ServerError(f"{path}: an authority's certificate has expired, on {until}")
