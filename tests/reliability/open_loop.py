"""Single requests over gRPC, and many at a fixed rate: the load that makes queues grow."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tritonclient.grpc
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

from artifact.names import ModelNames

OUTPUTS = ("num_detections", "boxes", "scores", "category_ids", "masks")


@dataclass(frozen=True)
class Outcome:
    """What became of one request; times are those of time.perf_counter()."""

    sent: float
    ended: float
    """When its answer or its refusal came."""
    error: str | None
    """The status and the message of a refusal; None for an answer."""

    @property
    def seconds(self) -> float:
        return self.ended - self.sent


async def ask(client: InferenceServerClient, picture: bytes) -> Outcome:
    """Send one picture to the ensemble, and never again."""
    tensor = tritonclient.grpc.InferInput("image", [1, 1], "BYTES")
    tensor.set_data_from_numpy(np.array([[picture]], np.object_))
    outputs = [tritonclient.grpc.InferRequestedOutput(name) for name in OUTPUTS]
    sent = time.perf_counter()
    error = None
    try:
        await client.infer(ModelNames().ensemble, [tensor], outputs=outputs)
    except InferenceServerException as failure:
        error = f"{failure.status()}: {failure.message()}"
    return Outcome(sent, time.perf_counter(), error)


def send(url: str, pictures: Sequence[bytes], *, rate: float, seconds: float) -> list[Outcome]:
    """Send `pictures` in turn, `rate` a second for `seconds`, whatever becomes of them.

    Returns the outcomes in the order of sending, when all requests have ended.
    """

    async def send_all() -> list[Outcome]:
        async with InferenceServerClient(url) as client:
            tasks = []
            started = time.perf_counter()
            for number in range(round(rate * seconds)):
                await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()))
                picture = pictures[number % len(pictures)]
                tasks.append(asyncio.create_task(ask(client, picture)))
            return await asyncio.gather(*tasks)

    return asyncio.run(send_all())


def most_in_flight(outcomes: Sequence[Outcome]) -> int:
    """The most requests that were under way at one moment."""
    changes = sorted(
        [(outcome.sent, 1) for outcome in outcomes] + [(outcome.ended, -1) for outcome in outcomes]
    )
    under_way = most = 0
    for _, change in changes:
        under_way += change
        most = max(most, under_way)
    return most
