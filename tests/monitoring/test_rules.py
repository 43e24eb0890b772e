"""The rules in Prometheus's own tools, and at work on a live server."""

from __future__ import annotations

import math
import subprocess
from pathlib import Path

from tritonclient.grpc import InferenceServerClient

from server.launch import TritonServer
from tests.monitoring.conftest import IMAGES, request
from tests.monitoring.prometheus import needs_prometheus, run_prometheus
from tests.monitoring.promql import GPU_ONLY, MONITORING, RECORDED, SHOWN, metrics_in

pytestmark = needs_prometheus


def promtool(*arguments: str | Path) -> None:
    result = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_prometheus_accepts_its_configuration_and_the_rules() -> None:
    promtool("check", "config", MONITORING / "prometheus/prometheus.yaml")


def test_alerts_are_raised_in_trouble_and_in_no_other_case() -> None:
    promtool("test", "rules", Path(__file__).with_name("alert_tests.yaml"))


def test_rules_and_panels_have_a_value_on_a_live_server(
    monitored_server: TritonServer, tmp_path: Path
) -> None:
    files = [path.read_bytes() for path in sorted(IMAGES.iterdir())[:2]]
    with (
        run_prometheus(tmp_path, monitored_server.metrics_url) as prometheus,
        InferenceServerClient(monitored_server.grpc_url) as client,
    ):
        prometheus.wait_for("nv_inference_count")
        for data in files:
            client.infer("mask_rcnn", request(data))
        prometheus.wait_for("job:mask_rcnn_pictures:rate1m > 0")
        for expression in (*RECORDED, *SHOWN.values()):
            needed = metrics_in(expression)
            if any(metrics_in(RECORDED[name]) & GPU_ONLY for name in needed & RECORDED.keys()):
                continue
            values = prometheus.values(expression.replace("$job", "mask-rcnn"))
            assert values, expression
            assert not all(math.isnan(value) for value in values), expression
        groups = prometheus.get("rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert {rule["health"] for rule in rules} == {"ok"}
    assert not [rule["name"] for rule in rules if rule.get("state") == "firing"]
