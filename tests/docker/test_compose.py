"""docker/compose.yaml and compose.cpu.yaml, as far as they can be checked without an engine."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.__main__ import parse_arguments
from server.shared_memory import ENOUGH_BYTES
from tests.docker.conftest import RunHere

DOCKER = Path(__file__).parents[2] / "docker"


class ComposeLoader(yaml.SafeLoader):
    """YAML with the tag that removes, in one Compose file, what another one says."""


ComposeLoader.add_constructor("!reset", lambda loader, node: None)

FILES = {
    name: yaml.load((DOCKER / name).read_text(), ComposeLoader)
    for name in ("compose.yaml", "compose.cpu.yaml")
}
SERVICES: dict[str, dict[str, Any]] = FILES["compose.yaml"]["services"]
ENVIRONMENT = dict(
    line.split("=", 1)
    for line in (DOCKER / ".env.example").read_text().splitlines()
    if line and not line.startswith("#")
)


def interpolated(text: str) -> str:
    """`text` with the variables of .env.example: ${NAME}, ${NAME:-default}, ${NAME:?message}."""

    def value(match: re.Match[str]) -> str:
        name, default = match.groups()
        return ENVIRONMENT[name] if default is None else ENVIRONMENT.get(name, default)

    return re.sub(r"\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}", value, text)


@pytest.mark.parametrize("name", FILES)
def test_file_fits_composes_schema(name: str, tmp_path: Path) -> None:
    plain = tmp_path / "compose.json"
    plain.write_text(json.dumps(FILES[name]))
    result = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema"),
            *("--builtin-schema", "vendor.compose-spec", plain),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("names", [["compose.yaml"], ["compose.yaml", "compose.cpu.yaml"]])
def test_compose_itself_accepts_the_files(names: list[str]) -> None:
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "compose", "version"], capture_output=True).returncode:
        pytest.skip("docker compose is not installed")
    files = [option for name in names for option in ("--file", name)]
    result = subprocess.run(
        [docker, "compose", "--env-file", ".env.example", *files, "config", "--quiet"],
        cwd=DOCKER,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("name", "service"),
    [
        (name, service)
        for name, file in FILES.items()
        for service, settings in file["services"].items()
        if "command" in settings
    ],
)
def test_command_is_accepted_up_to_the_files_it_names(
    name: str, service: str, run_here: RunHere
) -> None:
    command = FILES[name]["services"][service]["command"]
    result = run_here([interpolated(argument) for argument in command])
    assert result.returncode == 1, result.stderr
    assert result.stderr.startswith("error: ")


@pytest.mark.parametrize("service", SERVICES)
def test_service_is_confined(service: str) -> None:
    settings = SERVICES[service]
    assert settings["cap_drop"] == ["ALL"]
    assert settings["security_opt"] == ["no-new-privileges:true"]
    assert settings["read_only"] is True
    assert not settings.keys() & {"user", "privileged", "cap_add", "devices", "pid", "ipc"}
    assert all(port.startswith("127.0.0.1:") for port in settings.get("ports", []))


def test_the_servers_published_ports_are_listened_on() -> None:
    dockerfile = (DOCKER / "Dockerfile").read_text().replace("\\\n", "")
    [image] = re.findall(r"^CMD (.*\"server\".*)$", dockerfile, re.M)
    for command in (json.loads(image), FILES["compose.cpu.yaml"]["services"]["serve"]["command"]):
        options = parse_arguments(command[3:])
        assert (options.host, options.metrics_host) == ("0.0.0.0", "0.0.0.0")
        published = [port.rpartition(":")[2] for port in SERVICES["serve"]["ports"]]
        ports = (options.http_port, options.grpc_port, options.metrics_port)
        assert published == [str(port) for port in ports]


def test_a_server_that_ends_by_itself_is_started_again() -> None:
    assert SERVICES["serve"]["restart"] == "on-failure:5"


def test_the_server_cannot_write_the_repository() -> None:
    assert SERVICES["serve"]["volumes"] == ["models:/srv:ro"]


def test_the_server_has_enough_shared_memory() -> None:
    size = SERVICES["serve"]["shm_size"]
    assert size.endswith("gb")
    assert int(size.removesuffix("gb")) * 2**30 >= ENOUGH_BYTES


def test_tritons_default_version_is_the_dockerfiles() -> None:
    (default,) = re.findall(r"^ARG TRITON_VERSION=(.*)$", (DOCKER / "Dockerfile").read_text(), re.M)
    for settings in SERVICES.values():
        given = interpolated(settings["build"]["args"]["TRITON_VERSION"])
        assert given == default
