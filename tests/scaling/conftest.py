"""Three servers as the pods of a cluster, a proxy before them, and what one of them answers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.reliability.dataset import write_dataset
from tests.reliability.evaluation import Evaluation
from tests.reliability.stand_in import write_stand_in
from tests.scaling.headless_service import HeadlessService
from tests.scaling.pod import Pod
from tests.scaling.proxy import HAPROXY_FOLDER, Proxy, free_ports, haproxy

ADDRESSES = ("127.0.0.11", "127.0.0.12", "127.0.0.13")
PICTURES = 192
BATCH_SECONDS = 0.1
SERVICE = "mask-rcnn-servers.mask-rcnn.svc.cluster.local"


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's pictures, three times over."""
    return write_dataset(tmp_path_factory.mktemp("scaling_dataset"), PICTURES)


@pytest.fixture(scope="session")
def versions(demo_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two repositories with the same stand-in for the network, as versions 1 and 2."""
    folder = tmp_path_factory.mktemp("scaling_repositories")
    first = write_stand_in(folder / "1", demo_repository, "onnxruntime", BATCH_SECONDS)
    return {"1": first, "2": as_version_2(first, folder / "2")}


def as_version_2(repository: Path, folder: Path) -> Path:
    """A copy of a repository whose models have another version number; returns `folder`."""
    shutil.copytree(repository, folder)
    for version in folder.glob("*/1"):
        version.rename(version.with_name("2"))
    return folder


@contextmanager
def running_pods(addresses: tuple[str, ...], repository: Path, folder: Path) -> Iterator[list[Pod]]:
    """A server at each address, ready; all on the same ports."""
    http_port, grpc_port = free_ports(2, addresses[0])
    pods: list[Pod] = []
    try:
        for address in addresses:
            pod = Pod(
                address,
                http_port=http_port,
                grpc_port=grpc_port,
                repository=repository,
                folder=folder,
            )
            pod.start()
            pods.append(pod)
        for pod in pods:
            pod.wait_until_ready()
        yield pods
    finally:
        for pod in pods:
            pod.terminate()
        for pod in pods:
            pod.stop()


@contextmanager
def cluster_proxy(service: HeadlessService, pods: list[Pod], folder: Path) -> Iterator[Proxy]:
    """With cluster.cfg, as deploy/kubernetes runs it, and all pods in use."""
    environment = {
        "DNS_ADDRESS": service.dns_address,
        "TRITON_SERVICE": SERVICE,
        "GRPC_PORT": str(pods[0].grpc_port),
        "HTTP_PORT": str(pods[0].http_port),
    }
    proxy = Proxy(HAPROXY_FOLDER / "cluster.cfg", environment, folder)
    try:
        proxy.wait_for(*service.addresses)
        yield proxy
    finally:
        proxy.stop()


@pytest.fixture(scope="session")
def pods(
    versions: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Pod]]:
    """Three, ready, of either version."""
    haproxy()
    with running_pods(ADDRESSES, versions["1"], tmp_path_factory.mktemp("pods")) as pods:
        yield pods


@pytest.fixture
def equal_pods(pods: list[Pod], versions: dict[str, Path]) -> list[Pod]:
    """All of version 1."""
    for pod in pods:
        if pod.repository != versions["1"]:
            pod.stop()
            pod.repository = versions["1"]
            pod.start()
            pod.wait_until_ready()
    return pods


@pytest.fixture(scope="session")
def headless_service() -> HeadlessService:
    """Names all three pods; a test that changes that changes it back."""
    return HeadlessService(ADDRESSES)


@pytest.fixture(scope="session")
def proxy(
    pods: list[Pod], headless_service: HeadlessService, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    """In front of the three pods."""
    with cluster_proxy(headless_service, pods, tmp_path_factory.mktemp("proxy")) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def one_server(pods: list[Pod], dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of an evaluation that one server alone answered."""
    evaluation = Evaluation(dataset, pods[0].grpc_url, tmp_path_factory.mktemp("one_server"))
    code, printed = evaluation.wait()
    assert code == 0, printed
    assert evaluation.finished() == PICTURES
    return evaluation.output
