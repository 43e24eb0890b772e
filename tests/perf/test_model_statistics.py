from __future__ import annotations

import dataclasses
import json
from typing import Any

from google.protobuf import json_format
from tritonclient.grpc import service_pb2

from artifact.from_json import from_json
from perf.model_statistics import Batches, ModelStatistics


def model_stats(requests: int) -> Any:
    """What Triton says after so many requests of 2 ms, of which every second waited."""
    statistics = service_pb2.ModelStatistics(name="network", inference_count=2 * requests)
    stats = statistics.inference_stats
    for field, ns in (
        ("success", 2_000_000),
        ("queue", 500_000),
        ("compute_input", 100_000),
        ("compute_infer", 1_300_000),
        ("compute_output", 100_000),
    ):
        getattr(stats, field).count = requests
        getattr(stats, field).ns = requests * ns
    stats.fail.count = 1
    batch = statistics.batch_stats.add(batch_size=2)
    for field, ns in (("compute_input", 10), ("compute_infer", 20), ("compute_output", 30)):
        getattr(batch, field).count = requests
        getattr(batch, field).ns = requests * ns
    return json_format.MessageToDict(statistics, preserving_proto_field_name=True)


def test_between_two_moments_only_what_was_added_counts() -> None:
    before = ModelStatistics.from_triton(model_stats(10))
    after = ModelStatistics.from_triton(model_stats(15))
    added = after.since(before)
    assert (added.requests, added.pictures, added.failures) == (5, 10, 0)
    assert (added.total_ns, added.queue_ns) == (10_000_000, 2_500_000)
    assert added.batches == {2: Batches(5, 50, 100, 150)}
    assert added.batches[2].compute_ns == 300


def test_a_batch_size_that_did_not_occur_in_between_is_left_out() -> None:
    now = ModelStatistics.from_triton(model_stats(10))
    assert now.since(now).batches == {}


def test_a_model_that_was_not_there_before_counts_whole() -> None:
    now = ModelStatistics.from_triton(model_stats(10))
    assert now.since(None) == now


def test_json_gives_back_the_same() -> None:
    now = ModelStatistics.from_triton(model_stats(10))
    written = json.loads(json.dumps(dataclasses.asdict(now)))
    assert from_json(ModelStatistics, written, "statistics") == now


def test_a_model_that_has_done_nothing_yet_is_all_zero() -> None:
    idle = ModelStatistics.from_triton({"name": "network", "version": "1", "inference_stats": {}})
    assert idle == ModelStatistics(0, 0, 0, 0, 0, 0, 0, 0, {})
