"""One trace from the client to postprocess, through Triton's OpenTelemetry mode."""

from __future__ import annotations

import time

import tritonclient.http

from server.launch import TritonServer
from tests.monitoring.conftest import CLIENT_SPAN_ID, IMAGES, TRACE_ID, Traffic, request
from tests.monitoring.otlp_collector import OtlpCollector, Span

HTTP_TRACE_ID = "1af7651916cd43dd8448eb211c80319c"
STEPS = ["mask_rcnn_preprocess", "mask_rcnn_network", "mask_rcnn_postprocess"]


def wait_for_trace(collector: OtlpCollector, trace_id: str, outermost: str) -> dict[str, Span]:
    """Its spans by name, but for those named compute, of which each step has one."""
    deadline = time.monotonic() + 60  # a busy machine sends them late
    while True:
        received = [span for span in list(collector.spans) if span.trace_id == trace_id]
        spans = {span.name: span for span in received if span.name != "compute"}
        if outermost in spans or time.monotonic() > deadline:  # that one ends last
            return spans
        time.sleep(0.1)


def test_the_clients_trace_goes_through_the_ensemble_and_its_steps(
    traffic: Traffic, collector: OtlpCollector
) -> None:
    spans = wait_for_trace(collector, TRACE_ID, "InferRequest")
    assert sorted(spans) == sorted(["InferRequest", "mask_rcnn", *STEPS])
    assert spans["InferRequest"].parent_span_id == CLIENT_SPAN_ID
    assert spans["mask_rcnn"].parent_span_id == spans["InferRequest"].span_id
    for step in STEPS:
        assert spans[step].parent_span_id == spans["mask_rcnn"].span_id
        assert spans[step].attributes["triton.request_id"] == "traced"


def test_a_trace_over_http_is_the_clients_too(
    monitored_server: TritonServer, collector: OtlpCollector
) -> None:
    image = request((IMAGES / "000000.jpg").read_bytes(), protocol=tritonclient.http)
    with tritonclient.http.InferenceServerClient(monitored_server.http_url) as client:
        client.infer(
            "mask_rcnn_preprocess",
            image,
            headers={"traceparent": f"00-{HTTP_TRACE_ID}-{CLIENT_SPAN_ID}-01"},
        )
    spans = wait_for_trace(collector, HTTP_TRACE_ID, "InferRequest")
    assert spans["InferRequest"].parent_span_id == CLIENT_SPAN_ID
    assert spans["mask_rcnn_preprocess"].parent_span_id == spans["InferRequest"].span_id


def test_requests_of_clients_that_do_not_ask_are_traced_at_the_rate_alone(
    traffic: Traffic, collector: OtlpCollector
) -> None:
    assert len(traffic.lines) > 10
    assert wait_for_trace(collector, TRACE_ID, "InferRequest")
    assert {span.trace_id for span in collector.spans} <= {TRACE_ID, HTTP_TRACE_ID}
