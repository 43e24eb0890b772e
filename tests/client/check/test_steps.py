"""Models asked one by one, on a server that may be busy or answer otherwise."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from artifact.names import ModelNames
from client.check.steps import Steps, answers
from client.connection.request import InferenceRequest
from client.connection.transport import Transport
from client.errors import RequestFailed, ServerBusy

NOTHING = {"num_detections": np.zeros((1, 1), np.int32)}


class Busy(Transport):
    """Turns requests away before it answers one."""

    def __init__(self, times: float) -> None:
        self.times = times

    async def infer(self, request: InferenceRequest) -> dict[str, Any]:
        if self.times:
            self.times -= 1
            raise ServerBusy("Exceeds maximum queue size")
        return NOTHING

    def _errors_told_apart(self) -> Any:
        raise NotImplementedError

    def begin_anew(self) -> None:
        raise NotImplementedError


def test_a_busy_server_is_asked_again() -> None:
    busy = Busy(times=2)
    assert asyncio.run(Steps(busy, ModelNames(), retry_for=60).ensemble(b"")) == ()
    assert busy.times == 0


def test_a_server_that_stays_busy_is_given_up() -> None:
    steps = Steps(Busy(times=float("inf")), ModelNames("birds"), retry_for=0)
    with pytest.raises(RequestFailed, match=r"^birds_preprocess took no request for 0 s \(--retry"):
        asyncio.run(steps.preprocess(b""))


@pytest.mark.parametrize(
    "wrong",
    [
        {"scores": np.zeros((1, 1), np.float32)},
        {"num_detections": np.ones((1, 1), np.int32)},
        {
            "num_detections": np.full((1, 1), 2, np.int32),
            "boxes": np.ones((1, 1, 4), np.float32),
            "scores": np.ones((1, 1), np.float32),
            "category_ids": np.ones((1, 1), np.int32),
        },
    ],
)
def test_answers_that_are_none_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(RequestFailed, match=r"not as this project's models give it: \w+ \(1, 1"):
        answers(wrong)
