"""Detections in pictures, from a served model."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from artifact.proxies import explain_grpc_proxy
from client.connection.endpoints import Endpoint, Endpoints, describe_differences
from client.connection.request import InferenceRequest
from client.connection.served_model import BOX_OUTPUTS, ServedModel, inspect
from client.connection.settings import Connection
from client.connection.tls import handshake_fault
from client.connection.transport import Transport, open_transport
from client.detections import Detections
from client.errors import ClientError, RequestFailed, ServerUnavailable

HOW_TO_SERVE = "Serve the model with `python -m server --repository DIR`; --url says where."


class ModelConnection:
    """One or more servers that are ready to answer for a model."""

    def __init__(self, endpoints: Endpoints, *, trace: bool) -> None:
        self.endpoints = endpoints
        self.model = endpoints.model
        self._trace = trace
        masks = ("masks",) if self.model.has_masks else ()
        keypoints = ("keypoints",) if self.model.has_keypoints else ()
        self._outputs = (*BOX_OUTPUTS, *masks, *keypoints)

    async def detect(
        self, picture: bytes, score_threshold: float | None = None, *, request_id: str = ""
    ) -> Detections:
        """Detections in one picture.

        Args:
            picture: an encoded one (JPEG, PNG …).
            score_threshold: leave out lower scores; None is the model's own threshold.
            request_id: names the request in the server's log, and in `RequestFailed`.

        Raises:
            RequestFailed: the picture was refused, or got no answer while others did.
            ServerUnavailable: every server stayed away for longer than `Connection.retry_for`.
            ClientError: a server came back with another model.
        """
        parameters = {} if score_threshold is None else {"score_threshold": float(score_threshold)}
        request = InferenceRequest(
            self.model.name,
            {"image": np.array([[picture]], dtype=np.object_)},
            self._outputs,
            parameters=parameters,
            id=request_id,
            headers={"traceparent": _traceparent()} if self._trace else {},
        )
        try:
            return _detections(
                await self.endpoints.send(lambda transport: transport.infer(request))
            )
        except RequestFailed as error:
            if not request_id:
                raise
            raise RequestFailed(f"{error} (request {request_id})") from error


@asynccontextmanager
async def connect(connection: Connection) -> AsyncIterator[ModelConnection]:
    """A `ModelConnection`, once servers were found that serve the model.

    Raises:
        ClientError: no server there, no such model, or one that answers otherwise; two of the
            servers have different models.
    """
    async with AsyncExitStack() as stack:
        transports = []
        for address in connection.addresses:
            transport = open_transport(
                connection.protocol,
                address,
                connection.timeout,
                connection.concurrency,
                connection.tls,
            )
            stack.push_async_callback(transport.close)
            transports.append(transport)
        models = await asyncio.gather(
            *(_model_at(transport, connection) for transport in transports)
        )
        endpoints = _endpoints(dict(zip(transports, models, strict=True)), connection.retry_for)
        stack.push_async_callback(endpoints.close)
        yield ModelConnection(endpoints, trace=connection.trace)


async def _model_at(
    transport: Transport, connection: Connection
) -> ServedModel | ServerUnavailable:
    try:
        return await inspect(transport, connection.model)
    except ServerUnavailable as error:
        # Through a proxy, what a connection of one's own would meet says nothing.
        if transport.protocol == "grpc" and not explain_grpc_proxy(transport.url):
            fault = await handshake_fault(transport.url, connection.tls)
            if fault is not None:
                raise ClientError(f"the server at {transport} cannot be asked: {fault}") from error
        return error


def _endpoints(
    models: Mapping[Transport, ServedModel | ServerUnavailable], retry_for: float
) -> Endpoints:
    served = {t: model for t, model in models.items() if isinstance(model, ServedModel)}
    faults = {t: fault for t, fault in models.items() if isinstance(fault, ServerUnavailable)}
    if not served:
        raise ClientError("\n".join([*map(str, faults.values()), HOW_TO_SERVE]))
    (first, model), *others = served.items()
    for transport, other in others:
        if other.identity != model.identity:
            raise ClientError(
                f"{first} and {transport} serve different models: "
                f"{describe_differences(model, other)}. Give --url servers of one model."
            )
    endpoints = {transport: Endpoint(transport) for transport in models}
    for transport, fault in faults.items():
        endpoints[transport].has_failed(fault)
    return Endpoints(list(endpoints.values()), model, retry_for=retry_for)


def _traceparent() -> str:
    """Of a new trace, sampled: https://www.w3.org/TR/trace-context/#traceparent-header."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def _detections(answer: dict[str, npt.NDArray[Any]]) -> Detections:
    count = int(answer["num_detections"].reshape(-1)[0])
    masks, keypoints = answer.get("masks"), answer.get("keypoints")
    return Detections(
        boxes=answer["boxes"][0, :count].astype(np.float32),
        scores=answer["scores"][0, :count].astype(np.float32),
        category_ids=answer["category_ids"][0, :count].astype(np.int32),
        masks=None if masks is None else tuple(mask.decode("ascii") for mask in masks[0, :count]),
        keypoints=None if keypoints is None else keypoints[0, :count].astype(np.float32),
    )
