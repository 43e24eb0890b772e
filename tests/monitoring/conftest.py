"""Two builds of the demo, served as compose.monitoring.yaml serves, and traffic on them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc
import yaml
from tritonclient.grpc import InferenceServerClient
from tritonclient.utils import InferenceServerException

from artifact.names import DEFAULT_NAME
from server.launch import TritonServer
from tests.demo_build import build_demo
from tests.monitoring.metrics_page import Page, added, read_page, wait_for_page
from tests.monitoring.otlp_collector import OtlpCollector, run_otlp_collector
from tests.recording_proxy import EXCEPTIONS

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "demo/val/images"
COMPOSE = ROOT / "docker/compose.monitoring.yaml"
JAEGER, RATE = "http://jaeger:4318/v1/traces", "${TRACE_EVERY:-1000}"

SECOND_NAME = "shapes-v2.1"
"""Of the second build; a full stop means something in regular expressions."""
MODELS = (DEFAULT_NAME, SECOND_NAME)


@pytest.fixture(scope="session")
def collector() -> Iterator[OtlpCollector]:
    with run_otlp_collector() as collector:
        yield collector


@pytest.fixture(scope="session")
def monitored_server(
    collector: OtlpCollector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TritonServer]:
    folder = tmp_path_factory.mktemp("monitored")
    for name in MODELS:
        build_demo(folder / "repository", "--name", name)
    command = yaml.safe_load(COMPOSE.read_text())["services"]["serve"]["command"]
    options = command[command.index("--") + 1 :]
    server = TritonServer(
        folder / "repository",
        model_config_name="onnxruntime",
        log_path=folder / "tritonserver.log",
        exit_timeout_secs=0,
        options=[
            *(option.replace(JAEGER, collector.url).replace(RATE, "1000000") for option in options),
            "--trace-config=opentelemetry,bsp_schedule_delay=100",
        ],
    )
    with pytest.MonkeyPatch.context() as environment:
        # A dead one, which is not to be asked for a collector on this machine.
        environment.setenv("http_proxy", "http://127.0.0.1:9")
        for variable in EXCEPTIONS:
            environment.delenv(variable, raising=False)
        server.start()
    try:
        yield server
    finally:
        server.stop()


@dataclass(frozen=True)
class Counts:
    """What was sent to a model, and what it found."""

    pictures: int
    """In the requests that were answered."""
    detections: int
    refused: dict[str, int]
    """Pictures in the requests that were refused, by reason."""

    @property
    def all(self) -> int:
        return self.pictures + self.detections + sum(self.refused.values())


@dataclass(frozen=True)
class Traffic:
    """What was sent to the server, and what it said of that."""

    counts: dict[str, Counts]
    """By model."""
    fresh_page: Page
    """Before the first request."""
    page: Page
    lines: list[dict[str, Any]]
    """The log's lines of requests."""


def request(*files: bytes, protocol: ModuleType = tritonclient.grpc) -> list[Any]:
    """The inputs of a request, for tritonclient's `protocol`."""
    image = protocol.InferInput("image", [len(files), 1], "BYTES")
    image.set_data_from_numpy(np.array([[data] for data in files], np.object_))
    return [image]


@pytest.fixture(scope="session")
def traffic(monitored_server: TritonServer) -> Traffic:
    files = [path.read_bytes() for path in sorted(IMAGES.iterdir())[:3]]
    refused: list[tuple[str, str, list[bytes], dict[str, Any]]] = [
        *((f"empty-{n}", "empty", [b""], {}) for n in range(20)),
        ("text", "not_a_picture", [files[0], b"text"], {}),
        ("cut", "damaged", [files[0][:5000]], {}),
        ("high", "bad_parameter", [files[0]], {"score_threshold": "high"}),
    ]
    fresh_page = read_page(monitored_server.metrics_url)
    with (
        InferenceServerClient(monitored_server.grpc_url) as client,
        ThreadPoolExecutor(4) as pool,
    ):

        def detections(
            request_id: str, files: list[bytes], model: str = DEFAULT_NAME, **options: Any
        ) -> int:
            result = client.infer(model, request(*files), request_id=request_id, **options)
            return int(result.as_numpy("num_detections").sum())

        def is_refused(
            request_id: str, reason: str, files: list[bytes], parameters: dict[str, Any]
        ) -> bool:
            with pytest.raises(InferenceServerException, match="INVALID_ARGUMENT"):
                detections(request_id, files, parameters=parameters)
            return True

        found = detections("together", files)
        singles = [(f"single-{n}", [data]) for n, data in enumerate(files)]
        found += sum(pool.map(lambda single: detections(*single), singles))
        found += detections('{"forged": true}\n{"time": ' + 200 * "x", files[:1])
        assert all(pool.map(lambda refusal: is_refused(*refusal), refused))
        found_by_second = detections("second", files[:2], SECOND_NAME)
        with pytest.raises(InferenceServerException, match="INVALID_ARGUMENT"):
            detections("second-empty", [b""], SECOND_NAME)

    by_reason: dict[str, int] = {}
    for _, reason, sent, _ in refused:
        by_reason[reason] = by_reason.get(reason, 0) + len(sent)
    counts = {
        DEFAULT_NAME: Counts(2 * len(files) + 1, found, by_reason),
        SECOND_NAME: Counts(2, found_by_second, {"empty": 1}),
    }
    everything = sum(each.all for each in counts.values())
    page = wait_for_page(
        monitored_server.metrics_url,
        lambda page: sum(added(fresh_page, page).values()) >= everything,
    )
    log = monitored_server.log_path.read_text().splitlines()
    lines = [json.loads(line) for line in log if line.startswith("{")]
    return Traffic(counts, fresh_page, page, lines)
