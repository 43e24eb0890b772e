"""Three tritonservers behind HAProxy: balanced; killed and returned; drained and upgraded."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.reliability.evaluation import Evaluation, lost, result_lines, same_results
from tests.reliability.service import wait_until
from tests.scaling.conftest import ADDRESSES, PICTURES
from tests.scaling.headless_service import HeadlessService
from tests.scaling.pod import Pod
from tests.scaling.proxy import HAPROXY_FOLDER, Proxy

WITHOUT_RETRIES = ("--retry-for", "0")
FOR_SOME_SECONDS = ("--concurrency", "3")
FOR_AS_LONG_AS_AN_UPGRADE = ("--concurrency", "2")
OTHERS = (ADDRESSES[0], ADDRESSES[2])


def test_the_requests_of_one_connection_are_shared_out(
    pods: list[Pod], proxy: Proxy, dataset: Path, one_server: Path, tmp_path: Path
) -> None:
    before = [pod.answered() for pod in pods]
    evaluation = Evaluation(dataset, proxy.url, tmp_path / "output", WITHOUT_RETRIES)
    code, printed = evaluation.wait()
    assert code == 0, printed
    shares = [pod.answered() - count for pod, count in zip(pods, before, strict=True)]
    print(f"answered by each: {shares}")
    assert sum(shares) == PICTURES
    assert min(shares) > PICTURES / 5
    assert same_results(evaluation.output, one_server)


def test_a_killed_server_loses_nothing_and_is_used_again(
    pods: list[Pod],
    proxy: Proxy,
    dataset: Path,
    one_server: Path,
    tmp_path: Path,
    reliability_row: Callable[..., None],
) -> None:
    pod = pods[0]
    evaluation = Evaluation(dataset, proxy.url, tmp_path / "output", FOR_SOME_SECONDS)
    evaluation.wait_for(PICTURES // 8)
    acknowledged = result_lines(evaluation.output)
    pod.kill()
    killed_at = time.monotonic()
    pod.start()
    pod.wait_until_ready()
    proxy.wait_for(*ADDRESSES)
    returned_in = time.monotonic() - killed_at
    code, printed = evaluation.wait()
    assert code == 0, printed
    missing = lost(acknowledged, evaluation.output, one_server)
    assert missing == 0
    assert same_results(evaluation.output, one_server)
    pause = evaluation.longest_pause(killed_at)
    print(
        f"in use again after {returned_in:.1f} s; longest time without a result {pause:.2f} s; "
        f"it answered {pod.answered()} of the rest"
    )
    # On a busy machine the evaluation may have ended before the server was back.
    again = Evaluation(dataset, proxy.url, tmp_path / "again", ("--shard", "1/4"))
    code, printed = again.wait()
    assert code == 0, printed
    assert pod.answered() > 0
    reliability_row(
        "one of three servers behind the proxy killed",
        tried=1,
        lost=missing,
        recovered_in=f"{pause:.1f} s",
        seen_as="the requests that it had are sent again",
    )


@dataclass(frozen=True)
class Way:
    """How a server is taken out of use and put back."""

    name: str
    proxy: Proxy
    leave: Callable[[], None]
    come_back: Callable[[], None]


@pytest.fixture(params=["cluster", pytest.param("machines", marks=pytest.mark.long)])
def way(
    request: pytest.FixtureRequest,
    pods: list[Pod],
    proxy: Proxy,
    headless_service: HeadlessService,
    tmp_path: Path,
) -> Iterator[Way]:
    """For the second of the pods."""

    def publish(addresses: tuple[str, ...]) -> None:
        headless_service.addresses = addresses

    if request.param == "cluster":
        yield Way(
            "out of the headless Service",
            proxy,
            lambda: publish(OTHERS),
            lambda: publish(ADDRESSES),
        )
        publish(ADDRESSES)
    else:
        with machines(pods, tmp_path) as other:
            yield Way(
                "by a command to the proxy",
                other,
                lambda: other.set_state("gpu2", "drain"),
                lambda: other.set_state("gpu2", "ready"),
            )


@contextmanager
def machines(pods: list[Pod], folder: Path) -> Iterator[Proxy]:
    """The proxy with machines.cfg, whose addresses are exchanged for those of the pods."""
    at = iter(pods)

    def server(match: re.Match[str]) -> str:
        pod = next(at)
        return f"{pod.grpc_url} check port {pod.http_port}"

    text = (HAPROXY_FOLDER / "machines.cfg").read_text()
    servers = folder / "machines.cfg"
    servers.write_text(re.sub(r"\S+:8001 check port 8000", server, text))
    proxy = Proxy(servers, {}, folder)
    try:
        proxy.wait_for(*ADDRESSES)
        yield proxy
    finally:
        proxy.stop()


def test_a_server_that_is_drained_and_upgraded_is_not_missed(
    pods: list[Pod],
    way: Way,
    versions: dict[str, Path],
    dataset: Path,
    one_server: Path,
    tmp_path: Path,
    reliability_row: Callable[..., None],
) -> None:
    pod = pods[1]
    version = "2" if pod.repository == versions["1"] else "1"
    options = FOR_AS_LONG_AS_AN_UPGRADE + WITHOUT_RETRIES
    evaluation = Evaluation(dataset, way.proxy.url, tmp_path / "output", options)
    evaluation.wait_for(PICTURES // 8)
    began = time.monotonic()
    way.leave()
    # deploy/kubernetes sleeps for as long as this may take (preStop). A stopping Triton does not
    # finish what it has begun: it refuses the next step of an ensemble.
    way.proxy.wait_for(*OTHERS)
    wait_until(lambda: way.proxy.in_flight_elsewhere() == 0, "its requests are answered")
    drained = time.monotonic()
    pod.stop()
    pod.repository = versions[version]
    pod.start()
    pod.wait_until_ready()
    way.come_back()
    way.proxy.wait_for(*ADDRESSES)
    back = time.monotonic()
    code, printed = evaluation.wait()
    assert code == 0, printed
    assert pod.version() == version
    assert same_results(evaluation.output, one_server)
    print(
        f"drained in {drained - began:.1f} s, back after {back - began:.1f} s; longest time "
        f"without a result {evaluation.longest_pause(began):.2f} s"
    )
    reliability_row(
        f"one of three servers drained ({way.name}) and upgraded",
        tried=1,
        lost=0,
        recovered_in="",
        seen_as="nothing, by a client that sends nothing again",
    )


def test_the_proxy_says_whether_a_server_is_ready_and_how_many_requests_it_saw(
    proxy: Proxy,
) -> None:
    assert proxy.status("/ready")[0] == 200
    code, metrics = proxy.status("/metrics")
    assert code == 200
    assert re.search(r'^haproxy_server_http_responses_total\{.*proxy="triton"', metrics, re.M)
    assert proxy.status("/")[0] == 404
