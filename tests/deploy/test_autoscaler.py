"""The metric by which pods are added, as prometheus-adapter asks Prometheus for it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import yaml

from deploy.validate.kustomize import identity, load, render
from server.launch import TritonServer
from tests.monitoring.metrics_page import read_page
from tests.monitoring.prometheus import needs_prometheus

KUBERNETES = Path(__file__).parents[2] / "deploy" / "kubernetes"
(VALUES,) = load(KUBERNETES / "prometheus-adapter.yaml")
(RULE,) = VALUES["rules"]["custom"]
QUERY = (
    RULE["metricsQuery"]
    .replace("<<.GroupBy>>", "pod")
    .replace("<<.LabelMatchers>>", 'namespace="n",pod=~"a|b"')
)


def test_the_autoscaler_asks_for_the_metric_of_the_adapter() -> None:
    for overlay in (KUBERNETES / "overlays").iterdir():
        named = {identity(item): item for item in render(overlay)}
        (metric,) = named["HorizontalPodAutoscaler/mask-rcnn-servers"]["spec"]["metrics"]
        assert metric["pods"]["metric"]["name"] == RULE["name"]["as"]


def test_it_is_made_of_metrics_that_a_server_has(demo_server: TritonServer) -> None:
    named = re.findall(r"(nv_\w+)\{model=~\"([^\"]+)\"", RULE["seriesQuery"] + RULE["metricsQuery"])
    assert len(named) == 3
    page = read_page(demo_server.metrics_url)
    for name, model in named:
        (series,) = (s for s in page if re.match(rf"{name}\{{model=\"{model}\"", s))
        assert 'model="mask_rcnn_network"' in series


@needs_prometheus
def test_a_pod_counts_for_the_build_whose_requests_wait_longest(tmp_path: Path) -> None:
    labels = 'namespace="n", pod="{}", model="{}", version="1"'
    # Each minute 60 requests of 0.2 s, 600 of 0.01 s, and in another pod none.
    waiting = {
        labels.format("a", "birds_network"): ("0+10x30", "0+2000000x30"),
        labels.format("a", "cars_network"): ("0+100x30", "0+1000000x30"),
        labels.format("a", "cars_preprocess"): ("0+100x30", "0+90000000x30"),
        labels.format("b", "birds_network"): ("0x30", "0x30"),
    }
    series = [
        {"series": f"{name}{{{model}}}", "values": values}
        for model, each in waiting.items()
        for name, values in zip(
            ("nv_inference_request_success", "nv_inference_queue_duration_us"), each, strict=True
        )
    ]
    expected = [{"labels": '{pod="a"}', "value": 0.2}, {"labels": '{pod="b"}', "value": 0}]
    test = {"expr": QUERY, "eval_time": "5m", "exp_samples": expected}
    group = {"interval": "10s", "input_series": series, "promql_expr_test": [test]}
    (tmp_path / "test.yaml").write_text(yaml.safe_dump({"tests": [group]}))
    result = subprocess.run(
        ["promtool", "test", "rules", tmp_path / "test.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
