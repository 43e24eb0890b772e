"""The served ensemble `mask_rcnn`: what it is, and its detections in one picture."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from client.errors import ClientError, RequestFailed, ServerUnavailable
from client.transport import Transport, open_transport

MODEL = "mask_rcnn"
BOX_OUTPUTS = ("num_detections", "boxes", "scores", "category_ids")

FIRST_RETRY_DELAY_S = 0.25
LONGEST_RETRY_DELAY_S = 2.0


@dataclass(frozen=True)
class Detections:
    """What was found in one picture, the best score first.

    boxes: float32 [n, 4], x1 y1 x2 y2 in pixels of the picture (EXIF orientation applied).
    scores: float32 [n], 0 to 1.
    category_ids: int32 [n], the data set's own ids.
    masks: n COCO compressed RLE strings at the picture's size; None from a model without masks.
    """

    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    category_ids: npt.NDArray[np.int32]
    masks: tuple[str, ...] | None


class Detector:
    """A connection to a server whose `mask_rcnn` is ready to answer.

    categories: name of each category id that the model can return.
    has_masks: False for Faster R-CNN.
    identity: what decides the answers, for the ensemble and each of its models; JSON values only.
    server_version: such as "2.51.0".
    """

    def __init__(
        self,
        transport: Transport,
        categories: dict[int, str],
        has_masks: bool,
        identity: dict[str, Any],
        server_version: str,
        retry_for: float,
    ) -> None:
        self.transport = transport
        self.categories = categories
        self.has_masks = has_masks
        self.identity = identity
        self.server_version = server_version
        self._retry_for = retry_for
        self._outputs = (*BOX_OUTPUTS, "masks") if has_masks else BOX_OUTPUTS

    async def detect(self, picture: bytes, score_threshold: float | None = None) -> Detections:
        """Detections in one encoded picture (JPEG, PNG …).

        score_threshold: leave out lower scores; None is the model's own threshold.

        A server that is away is asked again, at growing intervals, for `retry_for` seconds.

        Raises:
            RequestFailed: the picture was refused, or not answered in time.
            ServerUnavailable: the server stayed away.
        """
        image = np.array([[picture]], dtype=np.object_)
        parameters = {} if score_threshold is None else {"score_threshold": float(score_threshold)}
        clock = asyncio.get_running_loop().time
        give_up_at = clock() + self._retry_for
        delay = FIRST_RETRY_DELAY_S
        while True:
            try:
                answer = await self.transport.infer(
                    MODEL, {"image": image}, self._outputs, parameters
                )
                return _detections(answer)
            except ServerUnavailable as error:
                if clock() + delay > give_up_at:
                    raise ServerUnavailable(
                        f"the server at {self.transport.url} ({self.transport.protocol}) could not "
                        f"answer for {self._retry_for:g} s (--retry-for): {error}"
                    ) from error
            await asyncio.sleep(delay)
            delay = min(2 * delay, LONGEST_RETRY_DELAY_S)


@asynccontextmanager
async def connect(
    protocol: str = "grpc",
    url: str | None = None,
    *,
    timeout: float = 300.0,
    retry_for: float = 60.0,
    concurrency: int = 16,
) -> AsyncIterator[Detector]:
    """A `Detector`, once the server was found to serve the ensemble `mask_rcnn`.

    timeout: seconds that one request may take.
    retry_for: seconds to wait for a server that goes away later.

    Raises:
        ClientError: no server there, no such model, or another model under its name.
    """
    transport = open_transport(protocol, url, timeout, concurrency)
    try:
        yield await _inspect(transport, retry_for)
    finally:
        await transport.close()


async def _inspect(transport: Transport, retry_for: float) -> Detector:
    where = f"{transport.url} ({transport.protocol})"
    try:
        server = await transport.server_metadata()
    except (ServerUnavailable, RequestFailed) as error:
        raise ClientError(
            f"no Triton server answers at {where}: {error}\n"
            "Start one with `python -m server --repository DIR`, or say where it is with --url."
        ) from error
    try:
        metadata = await transport.model_metadata(MODEL)
    except (ServerUnavailable, RequestFailed) as error:
        raise ClientError(await _absent(transport, where, error)) from error

    outputs = {output["name"] for output in metadata.get("outputs", [])}
    inputs = {tensor["name"]: tensor["datatype"] for tensor in metadata.get("inputs", [])}
    if inputs != {"image": "BYTES"} or not outputs.issuperset(BOX_OUTPUTS):
        raise ClientError(
            f"the model {MODEL} at {where} is another one: it has inputs {inputs} and outputs "
            f"{sorted(outputs)}, expected were {{'image': 'BYTES'}} and {sorted(BOX_OUTPUTS)}"
        )
    config = await transport.model_config(MODEL)
    return Detector(
        transport,
        categories=_categories(config, where),
        has_masks="masks" in outputs,
        identity=await _identity(transport, config),
        server_version=str(server.get("version", "")),
        retry_for=retry_for,
    )


async def _absent(transport: Transport, where: str, error: ClientError) -> str:
    message = f"the server at {where} does not serve the model {MODEL}: {error}"
    try:
        names = await transport.model_names()
    except ClientError:
        return message
    if MODEL in names:
        return f"{message}\nIt is in the repository but not loaded; the server's log says why."
    return f"{message}\nIts repository holds: {', '.join(names) or 'no model'}."


def _categories(config: dict[str, Any], where: str) -> dict[int, str]:
    text = _parameters(config).get("categories", "")
    try:
        return {int(entry["id"]): str(entry["name"]) for entry in json.loads(text)}
    except (ValueError, KeyError, TypeError) as error:
        raise ClientError(
            f"the model {MODEL} at {where} does not name its categories: its parameter "
            f"`categories` is {text[:80]!r}, expected was "
            '[{"id": 1, "name": "person"}, …]. Build its repository again with '
            "`python -m builder build`."
        ) from error


async def _identity(transport: Transport, config: dict[str, Any]) -> dict[str, Any]:
    """What decides the answers of the model and, for an ensemble, of every step."""
    steps = config.get("ensemble_scheduling", {}).get("step", [])
    configs = {MODEL: config}
    for step in steps:
        configs[step["model_name"]] = await transport.model_config(step["model_name"])
    identity = {}
    for name, model_config in configs.items():
        metadata = await transport.model_metadata(name)
        identity[name] = {
            "backend": model_config.get("backend") or model_config.get("platform") or "",
            "versions": list(metadata.get("versions", [])),
            "outputs": sorted(output["name"] for output in metadata.get("outputs", [])),
            "parameters": _parameters(model_config),
        }
    return identity


def _parameters(config: dict[str, Any]) -> dict[str, str]:
    return {
        name: value.get("string_value", "") for name, value in config.get("parameters", {}).items()
    }


def _detections(answer: dict[str, npt.NDArray[Any]]) -> Detections:
    count = int(answer["num_detections"].reshape(-1)[0])
    masks = answer.get("masks")
    return Detections(
        boxes=answer["boxes"][0, :count].astype(np.float32),
        scores=answer["scores"][0, :count].astype(np.float32),
        category_ids=answer["category_ids"][0, :count].astype(np.int32),
        masks=None if masks is None else tuple(mask.decode("ascii") for mask in masks[0, :count]),
    )
