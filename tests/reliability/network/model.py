"""A stand-in for mask_rcnn_network: detections drawn by lot, the same ones for the same canvas.

It takes as long for a batch, of any size, as the parameter `seconds` says. So thousands of pictures
go by in a minute, the capacity is known exactly, and a canvas that arrived damaged, or was taken
for another, is seen in the answer.
"""

from __future__ import annotations

import json
import time
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args: dict[str, Any]) -> None:
        config = json.loads(args["model_config"])
        self.seconds = float(config["parameters"]["seconds"]["string_value"])
        dims = {output["name"]: output["dims"] for output in config["output"]}
        self.places, self.side, _ = dims["mask_probs"]

    def execute(self, requests: list[Any]) -> list[Any]:
        time.sleep(self.seconds)
        return [self.answer(request) for request in requests]

    def answer(self, request: Any) -> Any:
        canvases = pb_utils.get_input_tensor_by_name(request, "canvas").as_numpy()
        sizes = pb_utils.get_input_tensor_by_name(request, "image_size").as_numpy()
        found = [self.draw(*picture) for picture in zip(canvases, sizes, strict=True)]
        return pb_utils.InferenceResponse(
            [
                pb_utils.Tensor(name, np.stack([outputs[name] for outputs in found]))
                for name in request.requested_output_names()
            ]
        )

    def draw(
        self, canvas: npt.NDArray[np.uint8], image_size: npt.NDArray[np.int32]
    ) -> dict[str, npt.NDArray[Any]]:
        lot = np.random.default_rng(zlib.crc32(canvas.tobytes()))
        count = lot.integers(1, 12)
        corners = np.sort(lot.random((self.places, 2, 2), np.float32), axis=1)
        outputs = {
            "num_detections": np.array([count], np.int32),
            "boxes": (corners * image_size[::-1]).reshape(-1, 4).astype(np.float32),
            "scores": -np.sort(-lot.random(self.places, np.float32)),
            "classes": lot.integers(0, 3, self.places, np.int32),
            "mask_probs": lot.random((self.places, self.side, self.side), np.float32),
        }
        for name in outputs.keys() - {"num_detections"}:
            outputs[name][count:] = 0
        return outputs
