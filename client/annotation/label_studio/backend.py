"""Label Studio's ML backend: what its server asks for over HTTP, answered by a served model.

Label Studio calls `/health`, `/setup` when a project is opened, and `/predict` with tasks
(`label_studio/ml/api_connector.py`). Of an answer that is an error it shows the status line, so the
sentence is there.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from artifact.json_text import parse_json
from client.annotation.label_studio.labeling import Labeling, LabelingError, labeling_of
from client.annotation.label_studio.pictures import MOST_BYTES, Pictures
from client.annotation.label_studio.regions import prediction_of
from client.detector import AsyncDetector
from client.errors import ClientError, PictureError, RequestFailed
from client.pictures.encoded import EncodedPicture

logger = logging.getLogger(__name__)

MOST_REQUEST_BYTES = 2 * MOST_BYTES
"""Of a request: tasks may hold their pictures."""


class Backend:
    """Answers Label Studio.

    Args:
        detector: open.
        pictures: open.
        score_threshold: leave out lower scores.
    """

    def __init__(
        self, detector: AsyncDetector, pictures: Pictures, *, score_threshold: float
    ) -> None:
        self._detector = detector
        self._pictures = pictures
        self._score_threshold = score_threshold
        self._free = asyncio.Semaphore(detector.connection.concurrency)
        self._told: set[str] = set()
        decides = json.dumps([detector.model.identity, score_threshold], sort_keys=True)
        digest = hashlib.sha256(decides.encode()).hexdigest()[:8]
        self.model_version = f"{detector.model.name}-{digest}"
        """Another one where the model, or what is left out, is another: Label Studio then asks
        anew for tasks that have predictions."""

    def application(self) -> web.Application:
        """What aiohttp serves."""
        application = web.Application(
            middlewares=[_errors_in_words], client_max_size=MOST_REQUEST_BYTES
        )
        application.add_routes(
            [
                web.get("/health", self._health),
                web.get("/versions", self._versions),
                web.post("/setup", self._setup),
                web.post("/predict", self._predict),
                web.post("/webhook", self._webhook),
            ]
        )
        return application

    async def _health(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "UP", "model_class": self._detector.model.name})

    async def _versions(self, request: web.Request) -> web.Response:
        return web.json_response({"versions": [self.model_version]})

    async def _setup(self, request: web.Request) -> web.Response:
        asked = await _json(request)
        self._labeling(asked.get("schema"))
        return web.json_response({"model_version": self.model_version})

    async def _predict(self, request: web.Request) -> web.Response:
        asked = await _json(request)
        labeling = self._labeling(asked.get("label_config"))
        tasks = asked.get("tasks")
        if not isinstance(tasks, list) or not tasks:
            raise RequestFailed("the request has no list of tasks")
        answers = await asyncio.gather(*(self._annotate(task, labeling) for task in tasks))
        faults = [answer for answer in answers if isinstance(answer, ClientError)]
        if len(faults) == len(answers):
            raise faults[0]
        for fault in faults:
            logger.warning("%s", fault)
        # A task without a prediction is asked for again another time.
        results = [[] if isinstance(answer, ClientError) else [answer] for answer in answers]
        return web.json_response({"results": results})

    async def _webhook(self, request: web.Request) -> web.Response:
        """Label Studio tells every change of a task; that training is asked for, too."""
        if (await _json(request)).get("action") == "START_TRAINING":
            raise RequestFailed("the model is served as it was built: it is not trained from here")
        return web.json_response({})

    def _labeling(self, config: Any) -> Labeling:
        labeling = labeling_of(config if isinstance(config, str) else "", self._detector.model)
        for sentence in labeling.names_without_label:
            if sentence not in self._told:
                self._told.add(sentence)
                logger.warning("%s", sentence)
        return labeling

    async def _annotate(self, task: Any, labeling: Labeling) -> dict[str, Any] | ClientError:
        """The prediction, or why there is none."""
        number = task.get("id") if isinstance(task, dict) else None
        if not isinstance(number, int):
            return RequestFailed("a task has no number as its id")
        async with self._free:
            try:
                content = await self._pictures.read(_address(task, labeling.key))
                picture = await asyncio.to_thread(EncodedPicture.of, content)
                found = await self._detector.detect(
                    picture, self._score_threshold, request_id=f"label-studio-task-{number}"
                )
                return await asyncio.to_thread(prediction_of, found, labeling, self.model_version)
            except ClientError as error:
                return type(error)(f"task {number}: {error}")
            except ValueError as error:
                return RequestFailed(f"task {number}: the server's masks do not fit: {error}")


def _address(task: Any, key: str) -> str:
    data = task.get("data") if isinstance(task, dict) else None
    address = data.get(key) if isinstance(data, dict) else None
    if not isinstance(address, str) or not address:
        raise PictureError(f"its data has no address of a picture under {key!r}")
    return address


async def _json(request: web.Request) -> dict[str, Any]:
    if "Origin" in request.headers:  # A browser says so of every page that sends something.
        raise RequestFailed("a page in a browser may not ask for annotations: Label Studio may")
    try:
        asked = parse_json(await request.read())
    except ValueError as error:
        raise RequestFailed(f"the request is not JSON: {error}") from error
    if not isinstance(asked, dict):
        raise RequestFailed("the request is not a JSON object")
    return asked


@web.middleware
async def _errors_in_words(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except ClientError as error:
        refused = isinstance(error, (LabelingError, PictureError, RequestFailed))
        # It goes into the status line, which is one line.
        sentence = "".join(each if each.isprintable() else " " for each in str(error))
        logger.warning("%s", sentence)
        return web.json_response(
            {"error": sentence}, status=400 if refused else 503, reason=sentence
        )
