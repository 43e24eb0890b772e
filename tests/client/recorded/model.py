"""A stand-in for a served model: it answers known pictures from a file.

Beside it lie answers.json: {sha256 of the picture: [COCO results]}, and delay_s.json: how long to
take for each. Any other picture is refused, as the real ensemble refuses what it cannot decode.
"""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import triton_python_backend_utils as pb_utils

DETECTIONS_PER_IMAGE = 100


class TritonPythonModel:
    def initialize(self, args: dict[str, str]) -> None:
        folder = Path(args["model_repository"], args["model_version"])
        self.delay_s = json.loads((folder / "delay_s.json").read_text())
        self.answers = json.loads((folder / "answers.json").read_text())

    def execute(self, requests: list[Any]) -> list[Any]:
        return [self.answer(request) for request in requests]

    def answer(self, request: Any) -> Any:
        time.sleep(self.delay_s)
        pictures = pb_utils.get_input_tensor_by_name(request, "image").as_numpy().reshape(-1)
        threshold = json.loads(request.parameters() or "{}").get("score_threshold", 0)
        arrays = []
        for picture in pictures:
            results = self.answers.get(hashlib.sha256(picture).hexdigest())
            if results is None:
                pb_utils.Logger.log_warn(f"refused request {request.request_id()}")
                error = pb_utils.TritonError(
                    f"image: {len(picture)} bytes that are not a picture",
                    pb_utils.TritonError.INVALID_ARG,
                )
                return pb_utils.InferenceResponse(error=error)
            arrays.append(detections([r for r in results if r["score"] >= threshold]))
        wanted = request.requested_output_names()
        return pb_utils.InferenceResponse(
            [
                pb_utils.Tensor(name, np.stack([each[name] for each in arrays]))
                for name in arrays[0]
                if name in wanted
            ]
        )


def detections(results: list[dict[str, Any]]) -> dict[str, npt.NDArray[Any]]:
    count = len(results)
    boxes = np.zeros((DETECTIONS_PER_IMAGE, 4), np.float32)
    scores = np.zeros(DETECTIONS_PER_IMAGE, np.float32)
    category_ids = np.zeros(DETECTIONS_PER_IMAGE, np.int32)
    masks = np.full(DETECTIONS_PER_IMAGE, b"", np.object_)
    if count:
        boxes[:count] = [result["bbox"] for result in results]
        boxes[:, 2:] += boxes[:, :2]
        scores[:count] = [result["score"] for result in results]
        category_ids[:count] = [result["category_id"] for result in results]
        masks[:count] = [result["segmentation"]["counts"].encode() for result in results]
    return {
        "num_detections": np.array([count], np.int32),
        "boxes": boxes,
        "scores": scores,
        "category_ids": category_ids,
        "masks": masks,
    }
