"""docker/compose.monitoring.yaml, as far as it can be checked without an engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

DOCKER = Path(__file__).resolve().parents[2] / "docker"
COMPOSE = DOCKER / "compose.monitoring.yaml"
SERVICES = yaml.safe_load(COMPOSE.read_text())["services"]
OWN = [name for name in SERVICES if name != "serve"]


def test_the_file_fits_composes_schema() -> None:
    result = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema"),
            *("--builtin-schema", "vendor.compose-spec", COMPOSE),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("name", OWN)
def test_a_service_is_confined_and_seen_from_this_machine_alone(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert not service["image"].endswith(":latest")


@pytest.mark.parametrize("name", OWN)
def test_what_is_mounted_from_the_repository_is_there_and_read_only(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source, _, options = volume.partition(":")
        if source.startswith("."):
            assert (DOCKER / source).is_dir()
            assert options.endswith(":ro")


def test_services_call_each_other_by_their_names() -> None:
    monitoring = DOCKER.parent / "monitoring"
    prometheus = yaml.safe_load((monitoring / "prometheus/prometheus.yaml").read_text())
    (scrape,) = prometheus["scrape_configs"]
    assert scrape["static_configs"] == [{"targets": ["serve:8002"]}]
    provisioning = monitoring / "grafana/provisioning/datasources/prometheus.yaml"
    sources = yaml.safe_load(provisioning.read_text())["datasources"]
    assert {source["url"].split("/")[2].split(":")[0] for source in sources} <= SERVICES.keys()
    assert any("url=http://jaeger:4318/" in option for option in SERVICES["serve"]["command"])
