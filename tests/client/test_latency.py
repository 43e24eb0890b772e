"""Latencies."""

from __future__ import annotations

from client.latency import Latency


def test_percentiles_are_those_of_the_measurements() -> None:
    latency = Latency.of([float(value) for value in range(101)])

    assert latency == Latency(mean=50, p50=50, p90=90, p95=95, p99=99)
