"""What was evaluated, and where."""

from __future__ import annotations

from typing import Any

from client.charts.tables import definitions
from client.report.findings import Findings

LONGEST_VALUE = 300
OF_SUMMARY = ("finished_at", "protocol", "concurrency", "retries", "resumed_images", "versions")
LEFT_OUT = ("categories", "category_ids", "reference")
"""Parameters that are long, and shown elsewhere."""


def setting(findings: Findings) -> str:
    evaluation = findings.evaluation
    rows: dict[str, Any] = {
        "results": evaluation.folder.resolve(),
        "annotations": evaluation.dataset.ground_truth.file.resolve(),
    }
    for name, model in evaluation.model.items():
        parameters = model.get("parameters", {}) if isinstance(model, dict) else {}
        rows[name] = _in_words({k: v for k, v in parameters.items() if k not in LEFT_OUT}) or "–"
    summary = evaluation.summary
    rows |= {key: _in_words(summary[key]) for key in OF_SUMMARY if summary.get(key) is not None}
    return f"<h2>Setting</h2>{definitions(rows)}"


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        text = ", ".join(f"{key} {each}" for key, each in value.items())
    else:
        text = str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
