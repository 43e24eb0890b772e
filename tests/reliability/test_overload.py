"""Twice the capacity offered: what is refused, and how the others fare.

The stand-in's capacity is known: its instances, times what a batch holds, over what it takes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from artifact.names import ModelNames
from client.result_files import SUMMARY
from tests.reliability.open_loop import Outcome, most_in_flight, send
from tests.reliability.service import Service
from tests.reliability.stand_in import write_stand_in

LONG = pytest.mark.long
CAPACITY = 40.0
LONG_SECONDS = 20.0
QUEUE_POLICY = re.compile(r"default_queue_policy \{[^}]*\}")
REFUSALS = ("Exceeds maximum queue size", "Request timeout expired")


@dataclass(frozen=True)
class Setting:
    """A configuration of the network, as the builder writes it or with another queue policy."""

    name: str
    batch: int
    instances: int = 2
    queue_policy: str | None = None

    def __str__(self) -> str:
        other = [f"{self.instances} instance"] if self.instances == 1 else []
        if self.queue_policy == "":
            other.append("without a queue policy")
        elif self.queue_policy is not None:
            other.append(f"with {self.queue_policy} instead")
        return ", ".join([self.name, *other])

    def apply_to(self, config: Path) -> None:
        """Changes a config.pbtxt that the builder wrote."""
        text = config.read_text().replace("count: 2", f"count: {self.instances}")
        if self.queue_policy is not None:
            policy = self.queue_policy and f"default_queue_policy {{ {self.queue_policy} }}"
            text, changed = QUEUE_POLICY.subn(policy, text)
            assert changed == 1
        config.write_text(text)


CPU = Setting("onnxruntime", batch=1)
CUDA = Setting("onnxruntime_cuda", batch=8)
CPU_UNBOUNDED = Setting("onnxruntime", batch=1, queue_policy="")
ONE_INSTANCE = Setting("onnxruntime_cuda", batch=8, instances=1)
ONE_INSTANCE_BY_SIZE = Setting(
    "onnxruntime_cuda", batch=8, instances=1, queue_policy="max_queue_size: 64"
)


@pytest.fixture
def serve(demo_repository: Path, tmp_path: Path) -> Iterator[Callable[[Setting], Service]]:
    """Serves the stand-in in a setting, with a capacity of `CAPACITY` pictures a second."""
    services: list[Service] = []

    def start(setting: Setting) -> Service:
        seconds = setting.instances * setting.batch / CAPACITY
        folder = tmp_path / str(len(services))
        folder.mkdir()
        repository = write_stand_in(folder / "repository", demo_repository, setting.name, seconds)
        setting.apply_to(repository / ModelNames().network / "configs" / f"{setting.name}.pbtxt")
        service = Service(repository, folder, model_config_name=setting.name)
        services.append(service)
        service.start()
        return service

    yield start
    for service in services:
        service.stop()


@pytest.mark.parametrize(
    ("setting", "seconds"),
    [(CPU, 5.0), *(pytest.param(setting, LONG_SECONDS, marks=LONG) for setting in (CPU, CUDA))],
    ids=str,
)
def test_twice_the_capacity_is_refused_in_part_and_the_queue_stays_short(
    serve: Callable[[Setting], Service],
    pictures: list[bytes],
    setting: Setting,
    seconds: float,
    reliability_row: Callable[..., None],
) -> None:
    outcomes = offer_twice_the_capacity(serve(setting), pictures, seconds)

    answered, refused = split(outcomes)
    assert all(any(text in str(o.error) for text in REFUSALS) for o in refused), refused
    assert all(str(o.error).startswith("StatusCode.UNAVAILABLE") for o in refused)
    assert len(refused) > CAPACITY * seconds / 4
    assert len(answered) > CAPACITY * seconds / 2
    assert most_in_flight(outcomes) < unbounded(seconds)
    write_row(reliability_row, setting, outcomes, seconds)


@pytest.mark.long
def test_without_a_queue_policy_the_queue_grows(
    serve: Callable[[Setting], Service],
    pictures: list[bytes],
    reliability_row: Callable[..., None],
) -> None:
    seconds = LONG_SECONDS
    outcomes = offer_twice_the_capacity(serve(CPU_UNBOUNDED), pictures, seconds)

    _, refused = split(outcomes)
    assert not refused
    assert most_in_flight(outcomes) > unbounded(seconds)
    write_row(reliability_row, CPU_UNBOUNDED, outcomes, seconds)


@pytest.mark.long
def test_a_timeout_serves_more_than_a_full_queue_beside_a_single_instance(
    serve: Callable[[Setting], Service],
    pictures: list[bytes],
    reliability_row: Callable[..., None],
) -> None:
    """Why the GPUs' queue is bounded by a timeout; to be reconsidered when it no longer holds."""
    served = {}
    for setting in (ONE_INSTANCE, ONE_INSTANCE_BY_SIZE):
        service = serve(setting)
        outcomes = offer_twice_the_capacity(service, pictures, LONG_SECONDS)
        service.stop()
        answered, refused = split(outcomes)
        assert refused
        served[setting] = len(answered)
        write_row(reliability_row, setting, outcomes, LONG_SECONDS)
    assert served[ONE_INSTANCE_BY_SIZE] < served[ONE_INSTANCE]


def test_an_evaluation_at_the_default_concurrency_is_never_turned_away(
    undisturbed: Path,
) -> None:
    assert json.loads((undisturbed / SUMMARY).read_text())["retries"] == 0


def unbounded(seconds: float) -> float:
    """So many requests tell a queue that grows as long as the load lasts, by `CAPACITY` a second.

    A queue of 64, or one whose requests wait for 2 s, stays well below that.
    """
    return 0.75 * CAPACITY * seconds


def offer_twice_the_capacity(
    service: Service, pictures: Sequence[bytes], seconds: float
) -> list[Outcome]:
    send(service.grpc_url, pictures, rate=CAPACITY / 2, seconds=1)  # each process's first request
    return send(service.grpc_url, pictures, rate=2 * CAPACITY, seconds=seconds)


def split(outcomes: Sequence[Outcome]) -> tuple[list[Outcome], list[Outcome]]:
    """(answered, refused)."""
    return [o for o in outcomes if o.error is None], [o for o in outcomes if o.error is not None]


def write_row(
    reliability_row: Callable[..., None],
    setting: Setting,
    outcomes: Sequence[Outcome],
    seconds: float,
) -> None:
    reliability_row(
        f"twice the capacity offered ({setting})",
        tried=len(outcomes),
        lost=0,  # each was answered or refused
        recovered_in="",
        seen_as=described(outcomes, seconds),
    )


def middle_and_last_third(outcomes: Sequence[Outcome]) -> tuple[list[float], list[float]]:
    """Latencies in seconds, by the time of sending; the queue fills up during the first third."""
    begin, end = outcomes[0].sent, outcomes[-1].sent
    thirds: tuple[list[float], list[float], list[float]] = ([], [], [])
    for outcome in outcomes:
        thirds[min(int(3 * (outcome.sent - begin) / (end - begin)), 2)].append(outcome.seconds)
    return thirds[1], thirds[2]


def described(outcomes: Sequence[Outcome], seconds: float) -> str:
    answered, refused = split(outcomes)
    end = outcomes[0].sent + seconds
    goodput = sum(outcome.ended < end for outcome in answered) / seconds
    middle, last = middle_and_last_third(answered)
    text = (
        f"{goodput:.0f} of {CAPACITY:.0f} pictures/s served; latency p50 and p99 "
        f"{percentiles(middle)} in the middle third, {percentiles(last)} in the last; "
        f"at most {most_in_flight(outcomes)} in flight; "
    )
    if not refused:
        return text + "none refused"
    reasons = sorted({reason for o in refused for reason in REFUSALS if reason in str(o.error)})
    waited = percentiles([outcome.seconds for outcome in refused])
    return text + f"{len(refused)} refused after {waited}: UNAVAILABLE, {' or '.join(reasons)}"


def percentiles(seconds: Sequence[float]) -> str:
    p50, p99 = np.percentile(seconds, [50, 99])
    return f"{p50:.3g} and {p99:.3g} s"
