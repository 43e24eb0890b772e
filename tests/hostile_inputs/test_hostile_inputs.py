"""Whatever is sent to the ensemble gets a result, or a refusal that says what is wrong with it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from tritonclient.grpc import service_pb2

from server.launch import TritonServer
from tests.hostile_inputs.conftest import stub_of
from tests.hostile_inputs.memory import resident_bytes
from tests.hostile_inputs.refused import BOMBS, MARKER, REFUSED
from tests.hostile_inputs.requests import ANSWERED, INVALID, NOT_FOUND, classification, pictures
from tests.hostile_inputs.served import LANDSCAPE, ORIENTED, SERVED

GOLDENS = Path(__file__).resolve().parents[1] / "goldens/goldens_demo.npz"
UPRIGHT_DETECTIONS = len(np.load(GOLDENS)["0.classes"])
"""In the landscape, by detectron2."""

SLIVERS = ("1x1", "1 high, 20000 wide", "20000 high, 1 wide")

TIMEOUT_S = 60
IN_FLIGHT = 8

HOSTILE = [
    *(pictures(data) for data, _ in REFUSED.values()),
    *(message for message, _ in (*INVALID.values(), *NOT_FOUND.values())),
]
EVERYTHING = [*map(pictures, SERVED.values()), *HOSTILE, *ANSWERED.values()]

MEMORY_OF_A_BOMB = 50_000 * 50_000
"""In bytes, if it is grey."""

WARM_UP_ROUNDS = 10
ROUNDS = 20
MOST_GROWTH = 16 * 2**20
"""Over all processes: 5 KB for each of the 3000 requests of `ROUNDS`. The pixels of the smallest
photograph of the table take 16 KB. 1 to 7 MiB were measured, nearly all of it in tritonserver,
whose heap settles slowly: 20 MiB in 44,000 requests."""


def refusal(stub: Any, message: Any) -> tuple[str, str]:
    """The gRPC status code and the words of a refusal."""
    with pytest.raises(grpc.RpcError) as error:
        stub.ModelInfer(message, timeout=TIMEOUT_S)
    words = error.value.details()
    assert "Traceback" not in words
    return error.value.code().name, words


def detections(stub: Any, data: bytes) -> int:
    answer = stub.ModelInfer(pictures(data), timeout=TIMEOUT_S)
    (count,) = struct.unpack("<i", answer.raw_output_contents[0])
    return int(count)


@pytest.mark.parametrize("name", sorted(SERVED.keys() - SLIVERS))
def test_an_odd_picture_is_served(recorded: Any, name: str) -> None:
    assert detections(recorded, SERVED[name]) > 0


@pytest.mark.parametrize("name", SLIVERS)
def test_the_network_answers_to_a_picture_of_hardly_any_pixels(demo: Any, name: str) -> None:
    assert 0 <= detections(demo, SERVED[name]) <= 100


@pytest.mark.parametrize("orientation", ORIENTED)
def test_a_picture_of_any_orientation_has_the_detections_of_the_upright_one(
    demo: Any, orientation: int
) -> None:
    assert detections(demo, ORIENTED[orientation]) == UPRIGHT_DETECTIONS


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_picture_is_refused_by_its_place_with_the_reason(
    recorded: Any, name: str
) -> None:
    data, says = REFUSED[name]
    code, words = refusal(recorded, pictures(data))
    assert code == "INVALID_ARGUMENT"
    assert "image 0 of the request (counted from 0, of 1): " in words
    assert says in words
    assert "; expected one whole picture file, one of BMP, GIF, JPEG, PNG, PPM, TIFF" in words


def test_a_bomb_is_refused_before_it_takes_memory(
    recorded: Any, recorded_server: TritonServer
) -> None:
    group = recorded_server.process_id
    before = resident_bytes(group)
    for data, _ in BOMBS.values():
        refusal(recorded, pictures(data))
    for process, peak in resident_bytes(group, "VmHWM").items():
        assert peak < before[process] + MEMORY_OF_A_BOMB / 20


def test_no_program_in_a_picture_was_run(recorded: Any) -> None:
    for data, _ in REFUSED.values():
        refusal(recorded, pictures(data))
    assert not Path(MARKER).exists()


@pytest.mark.parametrize(
    ("expected_code", "message", "says"),
    [
        *(pytest.param("INVALID_ARGUMENT", *row, id=name) for name, row in INVALID.items()),
        *(pytest.param("NOT_FOUND", *row, id=name) for name, row in NOT_FOUND.items()),
    ],
)
def test_a_malformed_request_is_refused_with_what_is_wrong(
    recorded: Any, expected_code: str, message: Any, says: str
) -> None:
    code, words = refusal(recorded, message)
    assert code == expected_code
    assert says in words


@pytest.mark.parametrize("name", ANSWERED)
def test_an_odd_request_is_answered(recorded: Any, name: str) -> None:
    assert recorded.ModelInfer(ANSWERED[name], timeout=TIMEOUT_S).outputs


def test_asking_for_the_classification_of_masks_is_refused(recorded: Any) -> None:
    version = recorded.ServerMetadata(service_pb2.ServerMetadataRequest()).version
    if tuple(map(int, version.split(".")[:2])) < (2, 60):
        pytest.skip(
            f"tritonserver {version} ends with SIGFPE instead, whatever the model: it divides by "
            "the size of a string; mended in 2.60 (triton-inference-server/server, pull request "
            "8267)"
        )
    code, words = refusal(recorded, classification("masks", 1))
    assert code == "INVALID_ARGUMENT"
    assert "unsupported type 'BYTES'" in words


def test_requests_beside_hostile_ones_are_served(
    recorded: Any, reliability_row: Callable[..., None]
) -> None:
    good = pictures(LANDSCAPE, outputs=["boxes", "scores", "masks"])
    expected = recorded.ModelInfer(good, timeout=TIMEOUT_S)
    beside = []
    answers = []
    for start in range(0, len(HOSTILE), IN_FLIGHT):
        beside.append(recorded.ModelInfer.future(good, timeout=TIMEOUT_S))
        bad = [
            recorded.ModelInfer.future(message, timeout=TIMEOUT_S)
            for message in HOSTILE[start : start + IN_FLIGHT]
        ]
        answers += [future.exception() for future in bad]
    lost = sum(future.exception() is not None for future in beside)
    refused = sum(answer is not None for answer in answers)
    reliability_row(
        "hostile input",
        tried=len(HOSTILE),
        lost=lost,
        recovered_in="",
        seen_as="INVALID_ARGUMENT (NOT_FOUND for a model or a region that is not there), with the "
        "input, what was found in it and what was expected",
    )
    assert refused == len(HOSTILE)
    assert not lost
    for future in beside:
        assert future.result().raw_output_contents[:2] == expected.raw_output_contents[:2]


def test_memory_does_not_grow(
    recorded_server: TritonServer, reliability_row: Callable[..., None]
) -> None:
    stub = stub_of(recorded_server)
    group = recorded_server.process_id

    def send_everything(rounds: int) -> dict[str, int]:
        for _ in range(rounds):
            for start in range(0, len(EVERYTHING), IN_FLIGHT):
                messages = EVERYTHING[start : start + IN_FLIGHT]
                futures = [stub.ModelInfer.future(each, timeout=TIMEOUT_S) for each in messages]
                for future in futures:
                    future.exception()
        return resident_bytes(group)

    before = send_everything(WARM_UP_ROUNDS)
    after = send_everything(ROUNDS)
    growth = sum(after.values()) - sum(before.values())
    reliability_row(
        "hostile input, again and again: memory",
        tried=ROUNDS * len(EVERYTHING),
        lost=0,
        recovered_in="",
        seen_as="as in the row of hostile input; the server's processes grew by "
        f"{growth / 2**20:.1f} MiB (of {sum(before.values()) / 2**20:.0f})",
    )
    assert after.keys() == before.keys(), "a process of the server ended"
    assert growth < MOST_GROWTH
