"""The parts of Triton's API that are closed to everyone without a key."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from server.errors import ServerError

RESTRICTED = ("model-repository", "shared-memory", "logging", "trace")
HEADER = "triton-access-key"
# tritonserver itself puts this before the names of gRPC headers.
GRPC_HEADER = f"triton-grpc-protocol-{HEADER}"
# Long enough not to be guessed, and nothing that an HTTP header or tritonserver's option would
# take for its own punctuation.
KEY = re.compile(r"[0-9A-Za-z+/=_.~-]{16,}")


def new_key() -> str:
    """Returns a key that nobody else knows."""
    return secrets.token_hex(32)


def read_key(path: Path) -> str:
    """Returns the key that is the one line of a file.

    Raises:
        ServerError: the file cannot be read, or what it holds is no key.
    """
    try:
        key = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise ServerError(f"the access key {path} cannot be read: {error.strerror}") from None
    if not KEY.fullmatch(key):
        raise ServerError(
            f"{path} holds no access key: expected was one line of at least 16 letters, digits "
            f"and + / = _ . ~ -; make one with: openssl rand -hex 32 > {path}"
        )
    return key


def headers(key: str) -> dict[str, str]:
    """Returns the headers that open what is closed; gRPC and HTTP each have one of their own."""
    return {HEADER: key, GRPC_HEADER: key}


def options(key: str) -> list[str]:
    """Returns tritonserver's options that close it."""
    protocols = ",".join(RESTRICTED)
    return [
        f"--http-restricted-api={protocols}:{HEADER}={key}",
        f"--grpc-restricted-protocol={protocols}:{HEADER}={key}",
    ]
