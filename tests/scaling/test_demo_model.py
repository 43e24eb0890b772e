"""The demo model on three servers, through an evaluation in which two of them go away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from client.result_files import SUMMARY
from tests.reliability.dataset import DEMO
from tests.reliability.evaluation import Evaluation, lost, result_lines, same_results
from tests.reliability.service import wait_until
from tests.scaling.conftest import as_version_2, cluster_proxy, running_pods
from tests.scaling.headless_service import HeadlessService
from tests.scaling.proxy import haproxy

ADDRESSES = ("127.0.0.14", "127.0.0.15", "127.0.0.16")
OTHERS = (ADDRESSES[0], ADDRESSES[2])


@pytest.mark.long
def test_average_precision_is_that_of_detectron2_whatever_happens_to_the_servers(
    demo_repository: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    haproxy()
    upgraded = as_version_2(demo_repository, tmp_path_factory.mktemp("demo_upgrade") / "2")
    service = HeadlessService(ADDRESSES)
    with (
        running_pods(ADDRESSES, demo_repository, tmp_path) as pods,
        cluster_proxy(service, pods, tmp_path) as proxy,
    ):
        alone = Evaluation(DEMO, pods[0].grpc_url, tmp_path / "alone", ("--concurrency", "4"))
        code, printed = alone.wait()
        assert code == 0, printed

        evaluation = Evaluation(DEMO, proxy.url, tmp_path / "output", ("--concurrency", "4"))
        evaluation.wait_for(4)
        acknowledged = result_lines(evaluation.output)
        pods[0].kill()
        pods[0].start()
        pods[0].wait_until_ready()
        proxy.wait_for(*ADDRESSES)
        print(f"killed and returned with {evaluation.finished()} of 64 pictures finished")
        service.addresses = OTHERS
        proxy.wait_for(*OTHERS)
        wait_until(lambda: proxy.in_flight_elsewhere() == 0, "its requests are answered")
        pods[1].stop()
        pods[1].repository = upgraded
        pods[1].start()
        pods[1].wait_until_ready()
        service.addresses = ADDRESSES
        proxy.wait_for(*ADDRESSES)
        print(f"upgraded with {evaluation.finished()} of 64 pictures finished")
        code, printed = evaluation.wait()
        assert code == 0, printed
        assert [pod.version() for pod in pods] == ["1", "2", "1"]
    assert lost(acknowledged, evaluation.output, alone.output) == 0
    assert same_results(evaluation.output, alone.output)
    summary = json.loads((evaluation.output / SUMMARY).read_text())
    reference = json.loads((DEMO.parent / "mask_rcnn_R_50_C4_shapes.metrics.json").read_text())
    print(f"box AP {summary['bbox']['AP']:.3f}, mask AP {summary['segm']['AP']:.3f}")
    for kind in ("bbox", "segm"):
        assert summary[kind]["AP"] == pytest.approx(reference[kind]["AP"], abs=1e-3)
