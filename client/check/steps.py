"""The models of a build, asked one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from artifact.names import ModelNames
from artifact.reference import ReferenceDetection
from client.connection.endpoints import backoff
from client.connection.request import InferenceRequest
from client.connection.transport import Transport
from client.errors import RequestFailed, ServerBusy

Arrays = dict[str, npt.NDArray[Any]]


class Steps:
    """A build on a server.

    Everything raises ClientError: the server went away, refuses, or is too busy for longer than
    `retry_for` seconds.
    """

    def __init__(self, transport: Transport, names: ModelNames, retry_for: float) -> None:
        self.names = names
        self._transport = transport
        self._retry_for = retry_for

    async def ensemble(self, picture: bytes) -> tuple[ReferenceDetection, ...]:
        """The answer to an encoded picture."""
        return answers(await self._infer(self.names.ensemble, image=_encoded(picture)))[0]

    async def preprocess(self, picture: bytes) -> Arrays:
        """`canvas` UINT8 [1, H, W, 3], `image_size` and `original_size` INT32 [1, 2]."""
        return await self._infer(self.names.preprocess, image=_encoded(picture))

    async def detect(
        self, canvas: npt.NDArray[np.uint8], image_sizes: Any, original_sizes: Any
    ) -> list[tuple[ReferenceDetection, ...]]:
        """The answers of network and postprocess to a batch.

        Args:
            canvas: UINT8 [N, H, W, 3], BGR, each picture at the top left.
            image_sizes: INT32 [N, 2], height and width of each picture there.
            original_sizes: INT32 [N, 2], of the pictures that the answers are to be in.
        """
        sizes = np.asarray(image_sizes, np.int32)
        found = await self._infer(self.names.network, canvas=canvas, image_size=sizes)
        original = np.asarray(original_sizes, np.int32)
        return answers(
            await self._infer(
                self.names.postprocess, **found, image_size=sizes, original_size=original
            )
        )

    async def _infer(self, model: str, **inputs: npt.NDArray[Any]) -> Arrays:
        request = InferenceRequest(model, inputs, id="check")
        started = asyncio.get_running_loop().time()
        for pause in backoff():
            try:
                return await self._transport.infer(request)
            except ServerBusy as error:
                if asyncio.get_running_loop().time() + pause > started + self._retry_for:
                    raise RequestFailed(
                        f"{model} took no request for {self._retry_for:g} s (--retry-for): {error}"
                    ) from error
                await asyncio.sleep(pause)
        raise AssertionError("backoff() has no end")


def answers(found: Arrays) -> list[tuple[ReferenceDetection, ...]]:
    """What the ensemble's or postprocess's outputs say of each picture of a batch.

    Raises:
        RequestFailed: they are not such outputs.
    """
    try:
        return [
            tuple(_detection(found, picture, place) for place in range(int(count)))
            for picture, count in enumerate(found["num_detections"].reshape(-1))
        ]
    except (KeyError, IndexError, AttributeError, UnicodeDecodeError) as error:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in found.items())
        raise RequestFailed(f"the answer is not as this project's models give it: {shapes}") from (
            error
        )


def _detection(found: Arrays, picture: int, place: int) -> ReferenceDetection:
    def value(name: str) -> Any:
        return found[name][picture, place].tolist()

    return ReferenceDetection(
        box=tuple(value("boxes")),
        score=value("scores"),
        category_id=value("category_ids"),
        mask=found["masks"][picture, place].decode() if "masks" in found else None,
        keypoints=tuple(map(tuple, value("keypoints"))) if "keypoints" in found else None,
    )


def _encoded(picture: bytes) -> npt.NDArray[np.object_]:
    return np.array([[picture]], np.object_)


def on_canvas(
    pictures: Sequence[npt.NDArray[np.uint8]], height: int, width: int
) -> npt.NDArray[np.uint8]:
    """UINT8 [N, height, width, 3]: each picture at the top left, zeros beside it."""
    canvas = np.zeros((len(pictures), height, width, 3), np.uint8)
    for page, picture in zip(canvas, pictures, strict=True):
        page[: picture.shape[0], : picture.shape[1]] = picture
    return canvas
