"""What a tritonserver says of itself and its models over HTTP (KServe's v2 protocol)."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from server.listen import Address

TIMEOUT_SECS = 10.0
POLL_SECS = 0.02


@dataclass(frozen=True)
class ModelState:
    """One row of Triton's repository index."""

    name: str
    state: str
    """READY, UNAVAILABLE, LOADING, UNLOADING, or empty for a model that was never loaded."""
    reason: str
    """Why it is unavailable; empty where Triton only logs that."""


def server_version(address: Address) -> str:
    """Returns Triton's version, such as 2.51.0; empty if the server does not say it."""
    metadata = _ask(address, "GET", "/v2")
    return str(metadata.get("version", "")) if isinstance(metadata, dict) else ""


def instance_count(address: Address, model: str) -> int | None:
    """Returns how many instances of a model Triton has: 0 while it has not loaded it, None while
    it does not answer.

    Args:
        address: of HTTP.
        model: its name.
    """
    config = _ask(address, "GET", f"/v2/models/{quote(model)}/config")
    if not isinstance(config, dict):
        return None
    groups = config.get("instance_group", [])
    return sum(group.get("count", 0) * max(1, len(group.get("gpus", []))) for group in groups)


def model_states(address: Address, headers: Mapping[str, str]) -> list[ModelState] | None:
    """Returns the state of every model, or None while the server does not answer.

    tritonserver opens its ports when it has loaded, or failed to load, all models.

    Args:
        address: of HTTP.
        headers: those that open the model repository's API.
    """
    rows = _ask(address, "POST", "/v2/repository/index", headers)
    if rows is None:
        return None
    return [ModelState(row["name"], row.get("state", ""), row.get("reason", "")) for row in rows]


def wait_until_open(address: Address, timeout_secs: float) -> bool:
    """Whether something listens there, or will within that time."""
    deadline = time.monotonic() + timeout_secs
    while True:
        try:
            socket.create_connection((address.host, address.port), TIMEOUT_SECS).close()
            return True
        except OSError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(POLL_SECS)


def _ask(
    address: Address, method: str, path: str, headers: Mapping[str, str] = MappingProxyType({})
) -> Any:
    """The answer, from JSON; None while the server does not answer so."""
    # Not urllib.request, which would ask the proxy that http_proxy names.
    connection = http.client.HTTPConnection(address.host, address.port, timeout=TIMEOUT_SECS)
    try:
        connection.request(method, path, headers=dict(headers))
        return json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
