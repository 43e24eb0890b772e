"""One trace from the client to postprocess, through Triton's OpenTelemetry mode."""

from __future__ import annotations

import secrets
import time
from types import ModuleType

import pytest
import tritonclient.grpc
import tritonclient.http

from server.launch import TritonServer
from tests.monitoring.conftest import IMAGES, Traffic, request
from tests.monitoring.otlp_collector import OtlpCollector, Span

CLIENT_SPAN_ID = "b7ad6b7169203331"
STEPS = ["mask_rcnn_preprocess", "mask_rcnn_network", "mask_rcnn_postprocess"]


def ask_with_trace(server: TritonServer, protocol: ModuleType) -> str:
    """Sends one picture in a trace of its own, and returns the trace's id."""
    trace_id = secrets.token_hex(16)
    url = server.grpc_url if protocol is tritonclient.grpc else server.http_url
    with protocol.InferenceServerClient(url) as client:
        client.infer(
            "mask_rcnn",
            request((IMAGES / "000000.jpg").read_bytes(), protocol=protocol),
            request_id="traced",
            headers={"traceparent": f"00-{trace_id}-{CLIENT_SPAN_ID}-01"},
        )
    return trace_id


def spans_of(server: TritonServer, collector: OtlpCollector, trace_id: str) -> dict[str, Span]:
    """A trace's spans by name, but for those named compute, of which each step has one."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        received = [span for span in list(collector.spans) if span.trace_id == trace_id]
        spans = {span.name: span for span in received if span.name != "compute"}
        if "InferRequest" in spans:  # that one ends last
            return spans
        time.sleep(0.1)
    log = server.log_path.read_text().splitlines()
    pytest.fail("no trace came; the server's log ends:\n" + "\n".join(log[-30:]))


@pytest.mark.parametrize("protocol", [tritonclient.grpc, tritonclient.http], ids=["grpc", "http"])
def test_the_clients_trace_goes_through_the_ensemble_and_its_steps(
    protocol: ModuleType, monitored_server: TritonServer, collector: OtlpCollector
) -> None:
    trace_id = ask_with_trace(monitored_server, protocol)
    spans = spans_of(monitored_server, collector, trace_id)
    assert sorted(spans) == sorted(["InferRequest", "mask_rcnn", *STEPS])
    assert spans["InferRequest"].parent_span_id == CLIENT_SPAN_ID
    assert spans["mask_rcnn"].parent_span_id == spans["InferRequest"].span_id
    for step in STEPS:
        assert spans[step].parent_span_id == spans["mask_rcnn"].span_id
        assert spans[step].attributes["triton.request_id"] == "traced"


def test_requests_of_clients_that_do_not_ask_are_traced_at_the_rate_alone(
    traffic: Traffic, monitored_server: TritonServer, collector: OtlpCollector
) -> None:
    assert len(traffic.lines) > 10
    spans_of(monitored_server, collector, ask_with_trace(monitored_server, tritonclient.grpc))
    asked = {span.trace_id for span in collector.spans if span.parent_span_id == CLIENT_SPAN_ID}
    assert {span.trace_id for span in collector.spans} == asked
