"""deploy/kubernetes, as far as it can be checked without a cluster."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.validate import kubernetes_schemas
from deploy.validate.kustomize import Document, containers, identity, render
from server.__main__ import parse_arguments
from server.launch import UNLOAD_SECS
from server.shared_memory import ENOUGH_BYTES

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
OVERLAYS = {folder.name: render(folder) for folder in (KUBERNETES / "overlays").iterdir()}
DOCUMENTS = {
    f"{overlay}-{identity(document)}": document
    for overlay, documents in OVERLAYS.items()
    for document in documents
}
WORKLOADS = {name: document for name, document in DOCUMENTS.items() if containers(document)}
SERVERS = "Deployment/mask-rcnn-servers"
CHECKPOINT_FILES = ("/checkpoint/config.yaml", "/checkpoint/weights.pkl")


def document(overlay: str, name: str) -> Document:
    (found,) = (item for item in OVERLAYS[overlay] if identity(item) == name)
    return found


def pod(overlay: str, name: str) -> dict[str, Any]:
    return document(overlay, name)["spec"]["template"]["spec"]


@pytest.mark.parametrize("item", DOCUMENTS.values(), ids=DOCUMENTS)
def test_document_fits_the_schemas_of_kubernetes(item: Document) -> None:
    assert list(kubernetes_schemas.faults(item)) == []


@pytest.mark.parametrize("item", OVERLAYS["gpu-tensorrt"], ids=identity)
def test_a_field_that_kubernetes_does_not_know_is_a_fault(item: Document) -> None:
    (fault, *_) = kubernetes_schemas.faults({**item, "specs": {}})
    assert "specs" in fault


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kubectl_puts_together_what_was_checked(overlay: str) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed")
    result = subprocess.run(
        [kubectl, "kustomize", KUBERNETES / "overlays" / overlay],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    # kustomize appends a hash to the names of ConfigMaps that it generates.
    text = re.sub(r"\b(mask-rcnn-proxy)-[0-9a-z]{10}\b", r"\1", result.stdout)
    theirs = {identity(item): item for item in yaml.safe_load_all(text)}
    assert theirs == {identity(item): item for item in OVERLAYS[overlay]}


@pytest.mark.parametrize("item", WORKLOADS.values(), ids=WORKLOADS)
def test_pod_is_confined(item: Document) -> None:
    pod = item["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"}
    assert all(volume.keys() & {"emptyDir", "configMap"} for volume in pod["volumes"])
    for container in containers(item):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"].keys() == {"requests", "limits"}
        assert container["resources"]["limits"].keys() >= {"cpu", "memory"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_commands_are_accepted_up_to_the_files_that_they_name(overlay: str, tmp_path: Path) -> None:
    for container in containers(document(overlay, SERVERS)):
        python, *arguments = container["args"]
        assert python == "python3"
        here = [re.sub("(^|=)/", rf"\1{tmp_path}/", argument) for argument in arguments]
        result = subprocess.run(
            [sys.executable, *here], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert result.returncode == 1, result.stderr
        assert result.stderr.startswith("error: ")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_pod_has_the_time_to_be_drained_and_to_stop(overlay: str) -> None:
    spec = pod(overlay, SERVERS)
    (triton,) = spec["containers"]
    _, pre_stop = triton["lifecycle"]["preStop"]["exec"]["command"]
    exit_timeout = parse_arguments(triton["args"][3:]).exit_timeout_secs
    assert spec["terminationGracePeriodSeconds"] > int(pre_stop) + exit_timeout + UNLOAD_SECS


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_pod_has_the_time_to_load(overlay: str) -> None:
    (triton,) = pod(overlay, SERVERS)["containers"]
    start_timeout = parse_arguments(triton["args"][3:]).start_timeout_secs
    startup, liveness = triton["startupProbe"], triton["livenessProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] > start_timeout
    assert liveness["periodSeconds"] * liveness["failureThreshold"] >= start_timeout


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_server_cannot_write_the_repository_and_has_enough_shared_memory(overlay: str) -> None:
    spec = pod(overlay, SERVERS)
    (triton,) = spec["containers"]
    mounts = {mount["name"]: mount for mount in triton["volumeMounts"]}
    assert mounts["repository"]["readOnly"] is True
    assert mounts["shared-memory"]["mountPath"] == "/dev/shm"
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    shared_memory = volumes["shared-memory"]["emptyDir"]
    assert shared_memory["medium"] == "Memory"
    assert shared_memory["sizeLimit"].endswith("Gi")
    assert int(shared_memory["sizeLimit"].removesuffix("Gi")) * 2**30 >= ENOUGH_BYTES


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_request_is_lost_when_pods_are_exchanged(overlay: str) -> None:
    for name in (SERVERS, "Deployment/mask-rcnn-proxy"):
        strategy = document(overlay, name)["spec"]["strategy"]["rollingUpdate"]
        assert strategy == {"maxUnavailable": 0, "maxSurge": 1}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_selectors_and_ports_name_what_there_is(overlay: str) -> None:
    labels = [
        item["spec"]["template"]["metadata"]["labels"]
        for item in OVERLAYS[overlay]
        if containers(item)
    ]
    ports = {
        port["name"]
        for item in OVERLAYS[overlay]
        for container in containers(item)
        for port in container.get("ports", [])
    }
    for item in OVERLAYS[overlay]:
        spec = item.get("spec", {})
        if item["kind"] == "Service":
            assert spec["selector"] in labels
            assert {port["targetPort"] for port in spec["ports"]} <= ports
        if item["kind"] == "PodDisruptionBudget":
            assert spec["selector"]["matchLabels"] in labels
        if item["kind"] == "NetworkPolicy":
            assert spec["podSelector"]["matchLabels"] in labels
            for rule in spec["ingress"] + spec["egress"]:
                for peer in rule.get("from", []) + rule.get("to", []):
                    if "podSelector" in peer:
                        assert peer["podSelector"]["matchLabels"] in labels
                assert {port["port"] for port in rule["ports"]} <= ports | {53}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_proxy_has_a_place_for_every_server(overlay: str) -> None:
    autoscaler = document(overlay, "HorizontalPodAutoscaler/mask-rcnn-servers")
    configuration = document(overlay, "ConfigMap/mask-rcnn-proxy")["data"]
    (places,) = re.findall(r"server-template \w+ (\d+) ", configuration["cluster.cfg"])
    assert int(places) > autoscaler["spec"]["maxReplicas"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_proxys_environment_is_what_its_configuration_asks_for(overlay: str) -> None:
    (proxy,) = pod(overlay, "Deployment/mask-rcnn-proxy")["containers"]
    configuration = document(overlay, "ConfigMap/mask-rcnn-proxy")["data"]
    asked_for = set(re.findall(r"\$\{(\w+)\}", "".join(configuration.values())))
    given = {variable["name"] for variable in proxy["env"]}
    assert asked_for - given == {"DNS_ADDRESS"}


def test_the_model_image_has_what_the_pods_build_from() -> None:
    text = (KUBERNETES / "model.Dockerfile").read_text()
    (target,) = re.findall(r"^COPY \. (\S+)$", text, re.MULTILINE)
    hadolint = Path(sys.executable).with_name("hadolint")
    result = subprocess.run(
        [hadolint, KUBERNETES / "model.Dockerfile"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout
    for overlay in OVERLAYS:
        (build,) = pod(overlay, SERVERS)["initContainers"]
        files = [argument.partition("=")[2] for argument in build["args"] if "=" in argument]
        assert [file for file in files if file.startswith(target)] == list(CHECKPOINT_FILES)
