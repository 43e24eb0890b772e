"""A gRPC connection to the server that is measured, for code that does one thing at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

import numpy.typing as npt

from artifact.names import ModelNames
from client.connection.request import InferenceRequest
from client.connection.transport import Transport, open_transport
from client.errors import ClientError
from perf.errors import PerfError
from perf.model_statistics import ModelStatistics

Answer = TypeVar("Answer")
Tensors = Mapping[str, npt.NDArray[Any]]

TIMEOUT_SECS = 300.0
"""For one inference: a CPU may take minutes for a large one."""


class Connection:
    """Every method raises `PerfError`, with the server's own words, if it is not answered.

    Args:
        url: "HOST:PORT" of gRPC.
        names: of the build that is measured there.
    """

    def __init__(self, url: str, names: ModelNames) -> None:
        self.url = url
        self.names = names
        self._loop = asyncio.new_event_loop()
        self._transport = self._wait_for(_open(url))

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *exception: object) -> None:
        self._loop.run_until_complete(self._close())
        self._loop.close()

    def server_version(self) -> str:
        return str(self._wait_for(self._transport.server_metadata())["version"])

    def loaded_models(self) -> list[str]:
        """The names of the models that are ready."""
        return self._wait_for(self._transport.loaded_models())

    def model_config(self, model: str) -> dict[str, Any]:
        """The model's configuration as the server completed it.

        It has the field names of Triton's model_config.proto, but for fields of no value.
        """
        return self._wait_for(self._transport.model_config(model))

    def statistics(self) -> dict[str, ModelStatistics]:
        """Of every model in the server, since it was loaded."""
        answer = self._wait_for(self._transport.statistics())
        return {each["name"]: ModelStatistics.from_triton(each) for each in answer}

    def infer(self, model: str, tensors: Tensors) -> dict[str, npt.NDArray[Any]]:
        """All outputs of the model; object arrays of bytes travel as BYTES."""
        return self._wait_for(self._transport.infer(InferenceRequest(model, tensors)))

    def _wait_for(self, question: Coroutine[Any, Any, Answer]) -> Answer:
        try:
            return self._loop.run_until_complete(question)
        except ClientError as error:
            raise PerfError(f"the server at {self.url}: {error}") from None

    async def _close(self) -> None:
        # Ctrl-C leaves the question that it interrupted.
        unanswered = asyncio.all_tasks() - {asyncio.current_task()}
        for task in unanswered:
            task.cancel()
        await asyncio.gather(*unanswered, return_exceptions=True)
        await self._transport.close()


async def _open(url: str) -> Transport:
    return open_transport("grpc", url, TIMEOUT_SECS, concurrency=1, tls=None)
