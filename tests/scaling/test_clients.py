"""Three tritonservers without a proxy: a client that spreads over them, three that share."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from client.merge import merge
from client.result_files import SUMMARY
from tests.reliability.evaluation import Evaluation, lost, result_lines, same_results
from tests.scaling.conftest import PICTURES
from tests.scaling.pod import Pod


def test_a_client_spreads_its_requests_and_does_without_a_server_that_is_killed(
    equal_pods: list[Pod],
    dataset: Path,
    one_server: Path,
    tmp_path: Path,
    reliability_row: Callable[..., None],
) -> None:
    urls = ",".join(pod.grpc_url for pod in equal_pods)
    evaluation = Evaluation(dataset, urls, tmp_path / "output", ("--concurrency", "6"))
    evaluation.wait_for(PICTURES // 4)
    acknowledged = result_lines(evaluation.output)
    equal_pods[2].kill()
    killed_at = time.monotonic()
    equal_pods[2].start()
    equal_pods[2].wait_until_ready()
    code, printed = evaluation.wait()
    assert code == 0, printed
    missing = lost(acknowledged, evaluation.output, one_server)
    assert missing == 0
    assert same_results(evaluation.output, one_server)
    summary = json.loads((evaluation.output / SUMMARY).read_text())
    shares = [endpoint["answered"] for endpoint in summary["endpoints"]]
    print(f"answered by each: {shares}; sent again: {summary['retries']}")
    assert sum(shares) == PICTURES
    assert min(shares[:2]) > PICTURES / 5
    assert [endpoint["went_away"] for endpoint in summary["endpoints"]] == [0, 0, 1]
    reliability_row(
        "one of three servers killed, clients knowing all three",
        tried=1,
        lost=missing,
        recovered_in=f"{evaluation.longest_pause(killed_at):.1f} s",
        seen_as="a line that names the server; its requests are sent to the others",
    )


def test_shards_of_several_clients_merge_into_the_evaluation_of_one(
    equal_pods: list[Pod], dataset: Path, one_server: Path, tmp_path: Path
) -> None:
    shards = [
        Evaluation(dataset, pod.grpc_url, tmp_path / str(number), ("--shard", f"{number}/3"))
        for number, pod in enumerate(equal_pods, start=1)
    ]
    for shard in shards:
        code, printed = shard.wait()
        assert code == 0, printed
    summary = merge([shard.output for shard in shards], output=tmp_path / "merged")
    assert summary.complete
    assert same_results(tmp_path / "merged", one_server)
    whole = json.loads((one_server / SUMMARY).read_text())
    merged = json.loads((tmp_path / "merged" / SUMMARY).read_text())
    assert (merged["bbox"], merged["segm"]) == (whole["bbox"], whole["segm"])
