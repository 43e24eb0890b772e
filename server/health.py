"""What a tritonserver says of itself and its models over HTTP (KServe's v2 protocol)."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass

from server.listen import Address

TIMEOUT_SECS = 10.0


@dataclass(frozen=True)
class ModelState:
    """One row of Triton's repository index."""

    name: str
    state: str
    """READY, UNAVAILABLE, LOADING, UNLOADING, or empty for a model that was never loaded."""
    reason: str
    """Why it is unavailable; empty where Triton only logs that."""


def model_states(address: Address, headers: Mapping[str, str]) -> list[ModelState] | None:
    """Returns the state of every model, or None while the server does not answer.

    tritonserver opens its ports when it has loaded, or failed to load, all models.

    Args:
        address: of HTTP.
        headers: those that open the model repository's API.
    """
    # Not urllib.request, which would ask the proxy that http_proxy names.
    connection = http.client.HTTPConnection(address.host, address.port, timeout=TIMEOUT_SECS)
    try:
        connection.request("POST", "/v2/repository/index", headers=dict(headers))
        rows = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return [ModelState(row["name"], row.get("state", ""), row.get("reason", "")) for row in rows]
