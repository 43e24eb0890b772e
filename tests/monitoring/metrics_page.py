"""Triton's metrics page: Prometheus's text format."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Callable

SAMPLE = re.compile(r"(?P<series>(?P<name>\w+)(?:\{.*\})?) (?P<value>\S+)")

Page = dict[str, float]
"""By series, as in ``rcnn_step_seconds_total{model="mask_rcnn",step="decode"}``."""


def read_page(metrics_url: str) -> Page:
    """The page of a server, such as ``127.0.0.1:8002``."""
    connection = http.client.HTTPConnection(metrics_url, timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    samples = (SAMPLE.fullmatch(line) for line in text.splitlines() if not line.startswith("#"))
    return {sample["series"]: float(sample["value"]) for sample in samples if sample}


def names(page: Page) -> set[str]:
    """The metrics on a page, without their labels."""
    return {series.partition("{")[0] for series in page}


def added(before: Page, after: Page) -> Page:
    """By how much each of the project's counters grew, for those that did, but for seconds."""
    return {
        series: value - before[series]
        for series, value in after.items()
        if series.startswith("rcnn_")
        and not series.startswith("rcnn_step_seconds_total")
        and value != before[series]
    }


def wait_for_page(metrics_url: str, is_complete: Callable[[Page], bool], secs: float = 10) -> Page:
    """The page once `is_complete`, or as it is after `secs`: the models hand over each second."""
    deadline = time.monotonic() + secs
    while not is_complete(page := read_page(metrics_url)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return page
