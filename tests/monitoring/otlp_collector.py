"""An OpenTelemetry collector that keeps what it is sent, as far as tests need one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.http_server import run_http_server


@dataclass(frozen=True)
class Span:
    """A span of a trace, in OTLP's words."""

    name: str
    trace_id: str
    span_id: str
    parent_span_id: str
    attributes: dict[str, str]


@dataclass
class OtlpCollector:
    """Receives spans as OTLP's JSON over HTTP, which is what Triton sends."""

    url: str
    spans: list[Span] = field(default_factory=list)

    def add(self, message: dict[str, Any]) -> None:
        for resource in message["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                self.spans += [
                    Span(
                        span["name"],
                        span["traceId"],
                        span["spanId"],
                        span.get("parentSpanId", ""),
                        {a["key"]: str(*a["value"].values()) for a in span.get("attributes", [])},
                    )
                    for span in scope["spans"]
                ]


@contextmanager
def run_otlp_collector() -> Iterator[OtlpCollector]:
    """A collector on a free port of 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.add(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with run_http_server(Handler) as server:
        collector = OtlpCollector(f"http://127.0.0.1:{server.server_port}/v1/traces")
        yield collector
