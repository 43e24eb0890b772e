"""docs/monitoring.md names all there is."""

from __future__ import annotations

import re
from pathlib import Path

from tests.monitoring.conftest import Traffic
from tests.monitoring.promql import ALERTS, GPU_ONLY, RECORDED, metrics_in

TEXT = (Path(__file__).resolve().parents[2] / "docs/monitoring.md").read_text()


def test_the_projects_metrics_and_their_labels_are_explained(traffic: Traffic) -> None:
    for series in traffic.page:
        if series.startswith("rcnn_"):
            # But for the model's name, which is the user's.
            words = re.findall(r"\w+", re.sub('(?<=model=)"[^"]+"', "", series))
            assert all(f"`{word}`" in TEXT for word in words), series


def test_tritons_metrics_in_the_rules_are_explained() -> None:
    scraped = set().union(*map(metrics_in, RECORDED.values())) - RECORDED.keys()
    assert scraped > GPU_ONLY
    assert all(f"`{name}`" in TEXT for name in scraped)


def test_alerts_are_explained() -> None:
    assert re.findall(r"^\| `(Rcnn\w+)`", TEXT, re.M) == list(ALERTS)
