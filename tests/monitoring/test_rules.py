"""The rules in Prometheus's own tools, and at work on a live server."""

from __future__ import annotations

import math
import subprocess
from pathlib import Path

import pytest
from tritonclient.grpc import InferenceServerClient
from tritonclient.utils import InferenceServerException

from artifact.names import ModelNames
from server.launch import TritonServer
from tests.monitoring.conftest import IMAGES, MODELS, request
from tests.monitoring.prometheus import needs_prometheus, run_prometheus
from tests.monitoring.promql import (
    GPU_ONLY,
    MONITORING,
    RECORDED,
    SHOWN,
    metrics_in,
    with_choices,
)

pytestmark = needs_prometheus


def promtool(*arguments: str | Path) -> None:
    result = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_prometheus_accepts_its_configuration_and_the_rules() -> None:
    promtool("check", "config", MONITORING / "prometheus/prometheus.yaml")


def test_alerts_are_raised_in_trouble_and_in_no_other_case() -> None:
    promtool("test", "rules", Path(__file__).with_name("alert_tests.yaml"))


def test_rules_and_panels_have_values_of_their_own_for_each_build_on_a_live_server(
    monitored_server: TritonServer, tmp_path: Path
) -> None:
    files = [path.read_bytes() for path in sorted(IMAGES.iterdir())[:2]]
    with (
        run_prometheus(tmp_path, monitored_server.metrics_url) as prometheus,
        InferenceServerClient(monitored_server.grpc_url) as client,
    ):
        prometheus.wait_for("nv_inference_count")
        for model in MODELS:
            for data in files:
                client.infer(model, request(data))
            with pytest.raises(InferenceServerException):
                client.infer(model, request(b"text"))
            prometheus.wait_for(f'job_model:rcnn_pictures:rate1m{{model="{model}"}} > 0')
            prometheus.wait_for(f'nv_inference_request_failure{{model="{model}"}} > 0')
        for expression in (*RECORDED, *SHOWN.values()):
            needed = metrics_in(expression)
            if any(metrics_in(RECORDED[name]) & GPU_ONLY for name in needed & RECORDED.keys()):
                continue
            for model in MODELS:
                values = prometheus.values(with_choices(expression, "rcnn", model))
                assert values, expression
                assert not all(math.isnan(value) for value in values), expression
        models_of = {name: prometheus.models(name) for name in RECORDED}
        for name, expression in SHOWN.items():
            if "$model" in expression or "${model" in expression:
                for model in MODELS:
                    shown = prometheus.models(with_choices(expression, "rcnn", model))
                    assert shown <= set(ModelNames(model)), name
        groups = prometheus.get("rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert {rule["health"] for rule in rules} == {"ok"}
    assert not [rule["name"] for rule in rules if rule.get("state") == "firing"]
    for name, models in models_of.items():
        if ":rcnn_" in name:
            assert models == set(MODELS), name
    steps = {step for model in MODELS for step in ModelNames(model)} - set(MODELS)
    assert models_of["job_model_reason:nv_inference_request_failure:rate1m"] == steps
