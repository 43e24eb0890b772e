"""`--trace`: the server's traces begin with the client's."""

from __future__ import annotations

from pathlib import Path

from client.__main__ import main
from server.launch import TritonServer
from tests.client.conftest import Demo, wait_until
from tests.monitoring.otlp_collector import run_otlp_collector


def test_every_picture_is_traced_and_its_request_id_is_in_the_trace(
    recorded_repository: Path, demo: Demo, tmp_path: Path
) -> None:
    pictures = [str(path) for path in sorted(demo.images.iterdir())[:2]]
    with run_otlp_collector() as collector:
        options = [
            "mode=opentelemetry", "level=TIMESTAMPS", "rate=1000000",
            f"opentelemetry,url={collector.url}", "opentelemetry,bsp_schedule_delay=100",
        ]  # fmt: skip
        with TritonServer(
            recorded_repository, options=[f"--trace-config={option}" for option in options]
        ) as server:
            for protocol, url in (("grpc", server.grpc_url), ("http", server.http_url)):
                arguments = ["--protocol", protocol, "--url", url, "--output", str(tmp_path)]
                assert main(["predict", *pictures, *arguments, "--trace"]) == 0
            assert (
                main(["predict", *pictures, "--url", server.grpc_url, "--output", str(tmp_path)])
                == 0
            )
            # A server that ends does not send all that it still has.
            wait_until(
                lambda: (
                    [span.name for span in collector.spans].count("InferRequest")
                    == 2 * len(pictures)
                )
            )
    spans = [span for span in collector.spans if span.name == "mask_rcnn"]
    names = [span.attributes["triton.request_id"].partition("-")[2] for span in spans]
    assert sorted(names) == ["000000.jpg", "000000.jpg", "000001.jpg", "000001.jpg"]
    requests = {span.span_id: span for span in collector.spans if span.name == "InferRequest"}
    assert all(requests[span.parent_span_id].parent_span_id for span in spans)
    assert len({span.trace_id for span in spans}) == 4
