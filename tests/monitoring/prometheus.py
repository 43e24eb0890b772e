"""Debian's Prometheus, where it is installed: ``apt-get install prometheus``."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from server.ports import reserve
from tests.monitoring.promql import MONITORING

needs_prometheus = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("promtool")),
    reason="Prometheus is not installed: apt-get install --no-install-recommends prometheus",
)


class Prometheus:
    """A running one."""

    def __init__(self, address: str) -> None:
        self._address = address

    def get(self, path: str) -> Any:
        """What an endpoint of the API answers; None while there is no answer."""
        connection = http.client.HTTPConnection(self._address, timeout=10)
        try:
            connection.request("GET", f"/api/v1/{path}")
            return json.loads(connection.getresponse().read())["data"]
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()

    def values(self, expression: str) -> list[float]:
        """Those of the series that an expression selects."""
        return [float(series["value"][1]) for series in self._result(expression)]

    def models(self, expression: str) -> set[str]:
        """The label `model` of the series that an expression selects; "" where there is none."""
        return {series["metric"].get("model", "") for series in self._result(expression)}

    def _result(self, expression: str) -> list[dict[str, Any]]:
        answer = self.get(f"query?query={quote(expression)}")
        return answer["result"] if answer else []

    def wait_for(self, expression: str, secs: float = 30) -> None:
        """Returns when the expression selects a series."""
        deadline = time.monotonic() + secs
        while not self.values(expression):
            assert time.monotonic() < deadline, f"{expression} selects nothing after {secs} s"
            time.sleep(0.2)


@contextmanager
def run_prometheus(folder: Path, target: str) -> Iterator[Prometheus]:
    """Prometheus with the project's rules, scraping `target` each second."""
    config = yaml.safe_load((MONITORING / "prometheus/prometheus.yaml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(MONITORING / "prometheus" / name) for name in config["rule_files"]]
    config["scrape_configs"][0]["static_configs"][0]["targets"] = [target]
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    with reserve("127.0.0.1", 0, "") as reserved:
        address = "{}:{}".format(*reserved.getsockname())
    command = [
        *("prometheus", f"--config.file={folder / 'prometheus.yaml'}"),
        *(f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={address}"),
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield Prometheus(address)
    finally:
        process.terminate()
        process.wait()
