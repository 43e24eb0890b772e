"""deploy/kserve, as far as it can be checked without a cluster."""

from __future__ import annotations

import copy
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.validate.errors import ManifestError
from deploy.validate.kserve_schemas import Schemas
from deploy.validate.kustomize import Document, containers, load, render
from server.__main__ import parse_arguments

ROOT = Path(__file__).parents[2]
KSERVE = ROOT / "deploy" / "kserve"
(RUNTIME,) = load(KSERVE / "serving-runtime.yaml")
(SERVICE,) = load(KSERVE / "inference-service.yaml")


@pytest.fixture(scope="session")
def schemas() -> Schemas:
    try:
        return Schemas(Path(sys.prefix) / "kserve")
    except ManifestError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("manifest", [RUNTIME, SERVICE], ids=["runtime", "service"])
def test_manifest_fits_kserves_schema(manifest: Document, schemas: Schemas) -> None:
    assert list(schemas.faults(manifest)) == []


def change(manifest: Document, path: list[str | int], value: Any) -> Document:
    changed = copy.deepcopy(manifest)
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("manifest", "path", "value"),
    [
        (RUNTIME, ["apiVersion"], "serving.kserve.io/v1"),
        (RUNTIME, ["spec", "protocolVersions"], "grpc-v2"),
        (RUNTIME, ["spec", "supportedModelFormat"], []),
        (RUNTIME, ["spec", "containers", 0, "argument"], []),
        (RUNTIME, ["spec", "containers", 0, "securityContext", "runAsUser"], "me"),
        (SERVICE, ["spec", "predictor", "model", "storageURI"], "pvc://models"),
        (SERVICE, ["spec", "predictor", "minReplicas"], "one"),
        (SERVICE, ["spec", "predictor", "model", "resources", "limit"], {}),
    ],
)
def test_a_mistake_is_a_fault(
    manifest: Document, path: list[str | int], value: Any, schemas: Schemas
) -> None:
    (fault,) = schemas.faults(change(manifest, path, value))
    assert str(path[-1]) in fault


def test_the_service_asks_for_the_runtime() -> None:
    model = SERVICE["spec"]["predictor"]["model"]
    assert model["runtime"] == RUNTIME["metadata"]["name"]
    assert model["modelFormat"]["name"] in {
        entry["name"] for entry in RUNTIME["spec"]["supportedModelFormats"]
    }
    assert model["protocolVersion"] in RUNTIME["spec"]["protocolVersions"]


def test_the_command_is_accepted_up_to_the_repository(tmp_path: Path) -> None:
    (container,) = RUNTIME["spec"]["containers"]
    python, *arguments = container["args"]
    assert python == "python3"
    here = [re.sub("=/", f"={tmp_path}/", argument) for argument in arguments]
    result = subprocess.run(
        [sys.executable, *here], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert f"{tmp_path}/mnt/models" in result.stderr


def test_probes_and_port_are_those_of_the_deployment() -> None:
    (servers,) = (
        container
        for document in render(ROOT / "deploy" / "kubernetes" / "overlays" / "gpu-tensorrt")
        for container in containers(document)
        if container["name"] == "triton"
    )
    (container,) = RUNTIME["spec"]["containers"]
    options = parse_arguments(container["args"][3:])
    (port,) = container["ports"]
    assert port["containerPort"] == options.grpc_port
    assert container["lifecycle"] == servers["lifecycle"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        check = {**servers[probe]["httpGet"], "port": options.http_port}
        assert container[probe] == {**servers[probe], "httpGet": check}
