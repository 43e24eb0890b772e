"""Every expression parses, and every metric in it is there to be scraped."""

from __future__ import annotations

import pytest

from tests.monitoring.conftest import Traffic
from tests.monitoring.metrics_page import names
from tests.monitoring.promql import ALERTS, GPU_ONLY, RECORDED, SHOWN, metrics_in

PROMETHEUS_OWN = {"up"}


@pytest.mark.parametrize("name", RECORDED)
def test_a_rule_records_from_metrics_of_a_live_server_or_of_a_gpu(
    name: str, traffic: Traffic
) -> None:
    scraped = names(traffic.page)
    assert metrics_in(RECORDED[name]) <= scraped | GPU_ONLY | RECORDED.keys()


def test_what_is_said_to_need_a_gpu_is_missing_without_one(traffic: Traffic) -> None:
    if any(name.startswith("nv_gpu_") for name in names(traffic.page)):
        assert names(traffic.page) >= GPU_ONLY
    else:
        assert not names(traffic.page) & GPU_ONLY


@pytest.mark.parametrize("expression", [*ALERTS.values(), *SHOWN.values()], ids=[*ALERTS, *SHOWN])
def test_alerts_and_panels_take_what_the_rules_record(expression: str) -> None:
    assert metrics_in(expression)
    assert metrics_in(expression) <= RECORDED.keys() | PROMETHEUS_OWN


def test_nothing_is_recorded_in_vain() -> None:
    used = (metrics_in(e) for e in (*RECORDED.values(), *ALERTS.values(), *SHOWN.values()))
    assert set().union(*used) >= RECORDED.keys()
