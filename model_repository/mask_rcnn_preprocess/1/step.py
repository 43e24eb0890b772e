"""Triton's side of preprocess and postprocess: requests one by one, counted, logged, refused."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import triton_python_backend_utils as pb_utils
from metrics import Metrics
from request_report import RequestReport


class Refusal(Exception):
    """A request cannot be answered as it is; the others of its batch can.

    Args:
        message: for the client.
        reason: for those who count.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class Step(ABC):
    """A python model of Triton, but for what it does with the tensors."""

    NAME: ClassVar[str]
    """preprocess or postprocess: the model's is the ensemble's, an underscore and this."""
    TIMED: ClassVar[Sequence[str]]
    """The parts of `answer` whose ends it reports."""
    REASONS: ClassVar[Sequence[str]]
    """Why it may refuse a request."""

    @abstractmethod
    def configure(self, parameters: Mapping[str, str]) -> None:
        """Take over the parameters of ``config.pbtxt``; raises ValueError if one is wrong."""

    @abstractmethod
    def answer(self, request: Any, report: RequestReport) -> dict[str, Any]:
        """The outputs for one of Triton's requests, by name.

        Raises:
            Refusal: the request is at fault.
        """

    def initialize(self, args: dict[str, Any]) -> None:
        parameters = json.loads(args["model_config"])["parameters"]
        self.configure({key: value["string_value"] for key, value in parameters.items()})
        self.ensemble = args["model_name"].removesuffix(f"_{self.NAME}")
        self.metrics = Metrics(self.ensemble, self.TIMED, self.REASONS)

    def execute(self, requests: list[Any]) -> list[Any]:
        return [self._respond(request) for request in requests]

    def finalize(self) -> None:
        self.metrics.close()
        # Triton 2.51's process crashes, after the work, if its metrics outlive this call.
        del self.metrics

    def _respond(self, request: Any) -> Any:
        pictures = request.inputs()[0].shape()[0]
        report = RequestReport(
            self.ensemble, self.NAME, self.metrics, request.request_id(), pictures
        )
        try:
            outputs = self.answer(request, report)
        except Refusal as refusal:
            report.refuse(refusal.reason)
            return pb_utils.InferenceResponse(
                error=pb_utils.TritonError(str(refusal), pb_utils.TritonError.INVALID_ARG)
            )
        report.finish()
        requested = request.requested_output_names()
        return pb_utils.InferenceResponse(
            [pb_utils.Tensor(name, outputs[name]) for name in outputs if name in requested]
        )


def input_array(request: Any, name: str) -> Any:
    """The input of that name, with the batch first."""
    return pb_utils.get_input_tensor_by_name(request, name).as_numpy()
