"""The expressions in monitoring/: those of the rules and those of the dashboard."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import promql_parser
import yaml

MONITORING = Path(__file__).resolve().parents[2] / "monitoring"
RECORDING_RULES = MONITORING / "prometheus/recording_rules.yaml"
ALERT_RULES = MONITORING / "prometheus/alert_rules.yaml"
DASHBOARD: dict[str, Any] = json.loads((MONITORING / "grafana/dashboards/rcnn.json").read_text())

GPU_ONLY = {"nv_gpu_utilization", "nv_gpu_memory_used_bytes", "nv_gpu_memory_total_bytes"}
"""What Triton has on its page only where it sees a GPU."""


def rules(path: Path) -> list[dict[str, Any]]:
    groups = yaml.safe_load(path.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    """The dashboard's, but for its rows."""
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


RECORDED: dict[str, str] = {rule["record"]: rule["expr"] for rule in rules(RECORDING_RULES)}
ALERTS: dict[str, str] = {rule["alert"]: rule["expr"] for rule in rules(ALERT_RULES)}
SHOWN: dict[str, str] = {
    f"{panel['title']}, {target['refId']}": target["expr"]
    for panel in panels()
    for target in panel["targets"]
}


def with_choices(expression: str, job: str, model: str) -> str:
    """A panel's expression as Grafana sends it when these are chosen in the dashboard's head."""
    chosen = expression.replace("$job", job).replace("$model", model).replace("${model}", model)
    # As Grafana's kbn.regexEscape does it. In double quotes PromQL would take no such backslash.
    escaped = re.sub(r"[\\^$*+?.()|\[\]{}/]", r"\\\g<0>", model)
    return chosen.replace("${model:regex}", escaped)


def metrics_in(expression: str) -> set[str]:
    """The metrics that an expression selects.

    Raises:
        ValueError: it is no PromQL.
    """
    found: set[str] = set()

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector) and node.name:
            found.add(node.name)

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found
