"""What must hold of the written configurations under every Triton, from 2.51 on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from artifact.names import ModelNames

CHECKED_IN = Path(__file__).parents[3] / "model_repository"
NAMES = ModelNames()
# model_config.proto has these since 2.63 and 2.52; an older Triton loads no model that says them.
LATER_FIELDS = {"max_inflight_requests", "model_metrics"}


@pytest.fixture(params=["checked in", "demo"])
def repository(request: pytest.FixtureRequest) -> Path:
    return (
        CHECKED_IN if request.param == "checked in" else request.getfixturevalue("demo_repository")
    )


def configs(repository: Path) -> Iterator[Any]:
    """Every configuration, as the newest Triton's model_config.proto reads it."""
    for path in [*repository.glob("*/config.pbtxt"), *repository.glob("*/configs/*.pbtxt")]:
        yield text_format.Parse(path.read_text(), ModelConfig())


def fields(message: Any) -> Iterator[str]:
    """The names of all fields that are set, those of messages within included."""
    for field, value in message.ListFields():
        yield field.name
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for part in [value] if hasattr(value, "ListFields") else value:
            yield from fields(part)


def test_each_step_of_the_ensemble_waits_for_the_one_before(repository: Path) -> None:
    """So one step of a request is in flight at a time.

    A second one beside it would let requests hang for ever, up to Triton 2.65, once a step is
    refused (core pull request 466), which an overloaded network's queue does.
    """
    ensemble = text_format.Parse(
        (repository / NAMES.ensemble / "config.pbtxt").read_text(), ModelConfig()
    )
    steps = ensemble.ensemble_scheduling.step
    assert [step.model_name for step in steps] == [
        NAMES.preprocess, NAMES.network, NAMES.postprocess
    ]  # fmt: skip
    for before, step in pairwise(steps):
        assert set(before.output_map.values()) & set(step.input_map.values())


def test_no_field_is_newer_than_the_oldest_triton(repository: Path) -> None:
    found = [set(fields(config)) for config in configs(repository)]
    assert len(found) == 7
    assert set().union(*found) >= {"ensemble_scheduling", "default_queue_policy", "count"}
    assert not set().union(*found) & LATER_FIELDS
    file = ModelConfig.DESCRIPTOR.file
    known = {
        field.name for message in file.message_types_by_name.values() for field in message.fields
    }
    assert known >= LATER_FIELDS
