"""The dashboard as Grafana would read it; no Grafana runs here."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
import yaml

from tests.monitoring.promql import DASHBOARD, MONITORING, panels


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
def test_a_panel_says_what_it_shows_in_which_unit_and_from_where(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["targets"]
    assert all(target["legendFormat"] for target in panel["targets"]) or panel["type"] == "stat"
    uids = {target["datasource"]["uid"] for target in panel["targets"]}
    assert uids == {panel["datasource"]["uid"]}


def test_panels_have_ids_and_places_of_their_own() -> None:
    every = DASHBOARD["panels"]
    assert len({panel["id"] for panel in every}) == len(every)
    for one, other in combinations((panel["gridPos"] for panel in every), 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in every)


def test_the_data_source_is_the_one_that_is_provisioned() -> None:
    path = MONITORING / "grafana/provisioning/datasources/prometheus.yaml"
    sources = {source["uid"]: source for source in yaml.safe_load(path.read_text())["datasources"]}
    assert {panel["datasource"]["uid"] for panel in panels()} <= sources.keys()
    scrape = yaml.safe_load((MONITORING / "prometheus/prometheus.yaml").read_text())["global"]
    assert sources["prometheus"]["jsonData"]["timeInterval"] == scrape["scrape_interval"]
