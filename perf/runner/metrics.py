"""Triton's Prometheus metrics, as far as its statistics do not have them."""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass
from pathlib import Path

from perf.errors import PerfError

TIMEOUT_SECS = 10.0


@dataclass(frozen=True)
class Metrics:
    """What the server's machine is using now."""

    memory_bytes: float | None
    """By all programs; None where Triton cannot tell."""
    has_gpus: bool


def read_metrics(url: str, copy: Path) -> Metrics:
    """Asks for the metrics and keeps a copy of the answer.

    Args:
        url: "HOST:PORT/metrics".

    Raises:
        PerfError: nothing answers.
    """
    address, _, path = url.partition("/")
    # Not urllib.request, which would ask the proxy that http_proxy names.
    connection = http.client.HTTPConnection(address, timeout=TIMEOUT_SECS)
    try:
        connection.request("GET", f"/{path}")
        text = connection.getresponse().read().decode()
    except (OSError, http.client.HTTPException) as error:
        raise PerfError(f"the metrics of the server at {url} cannot be read: {error}") from None
    finally:
        connection.close()
    copy.write_text(text)
    memory = re.search(r"^nv_cpu_memory_used_bytes (\S+)$", text, re.MULTILINE)
    return Metrics(
        memory_bytes=float(memory[1]) if memory else None,
        has_gpus=re.search(r"^nv_gpu_utilization\{", text, re.MULTILINE) is not None,
    )
