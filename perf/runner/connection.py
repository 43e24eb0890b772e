"""A gRPC connection to the server that is measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import tritonclient.grpc
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from perf.errors import PerfError
from perf.runner.model_statistics import ModelStatistics

Tensors = Mapping[str, npt.NDArray[Any]]


class Connection:
    """Every method raises `PerfError`, with the server's own words, if it is not answered.

    Args:
        url: "HOST:PORT" of gRPC.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = tritonclient.grpc.InferenceServerClient(url)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *exception: object) -> None:
        self._client.close()

    def server_version(self) -> str:
        with self._explained():
            return str(self._client.get_server_metadata().version)

    def model_config(self, model: str) -> Any:
        """The model's configuration as the server completed it, a ``inference.ModelConfig``."""
        with self._explained():
            return self._client.get_model_config(model).config

    def statistics(self) -> dict[str, ModelStatistics]:
        """Of every model in the server, since it was loaded."""
        with self._explained():
            answer = self._client.get_inference_statistics()
        return {each.name: ModelStatistics.from_message(each) for each in answer.model_stats}

    def infer(self, model: str, tensors: Tensors) -> dict[str, npt.NDArray[Any]]:
        """All outputs of the model; object arrays of bytes travel as BYTES."""
        inputs = []
        for name, array in tensors.items():
            tensor = tritonclient.grpc.InferInput(
                name, list(array.shape), np_to_triton_dtype(array.dtype)
            )
            tensor.set_data_from_numpy(array)
            inputs.append(tensor)
        with self._explained():
            answer = self._client.infer(model, inputs)
        return {
            output.name: np.asarray(answer.as_numpy(output.name))
            for output in answer.get_response().outputs
        }

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except InferenceServerException as error:
            raise PerfError(f"the server at {self.url}: {error.message()}") from None
