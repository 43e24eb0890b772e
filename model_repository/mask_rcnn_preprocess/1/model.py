"""mask_rcnn_preprocess: encoded pictures in, one canvas for the network out."""

from __future__ import annotations

import json
from typing import Any

import cv2
import numpy as np
import triton_python_backend_utils as pb_utils
from canvas import draw_canvas, parse_canvases, smallest_canvas
from decode import REASONS, DecodeError, decode_images
from heap import keep_freed_memory
from metrics import Metrics
from request_report import RequestReport
from resize import RESIZERS, resized_size


class TritonPythonModel:
    """Decodes, resizes and pads; the tensors are described in ``config.pbtxt``."""

    def initialize(self, args: dict[str, Any]) -> None:
        parameters = json.loads(args["model_config"])["parameters"]
        self.min_size = int(parameters["min_size_test"]["string_value"])
        self.max_size = int(parameters["max_size_test"]["string_value"])
        self.canvases = parse_canvases(parameters["canvases"]["string_value"])
        resize = parameters["resize"]["string_value"]
        if resize not in RESIZERS:
            raise ValueError(f"resize is {resize!r}; expected one of {', '.join(RESIZERS)}")
        self.resize = RESIZERS[resize]
        self.metrics = Metrics(steps=("decode", "resize"), reasons=REASONS)
        # Cores are shared out by the number of instances; a pool in each would fight over them.
        cv2.setNumThreads(1)
        keep_freed_memory()

    def execute(self, requests: list[Any]) -> list[Any]:
        return [self._respond(request) for request in requests]

    def finalize(self) -> None:
        self.metrics.close()
        # Triton 2.51's process crashes, after the work, if its metrics outlive this call.
        del self.metrics

    def _respond(self, request: Any) -> Any:
        encoded = pb_utils.get_input_tensor_by_name(request, "image").as_numpy()
        report = RequestReport("preprocess", self.metrics, request, pictures=len(encoded))
        try:
            images = decode_images(encoded[:, 0])
        except DecodeError as error:
            return report.refuse(error.reason, str(error))
        report.end_step("decode")
        original_sizes = [(image.height, image.width) for image in images]
        sizes = [resized_size(*size, self.min_size, self.max_size) for size in original_sizes]
        canvas = draw_canvas(images, sizes, smallest_canvas(sizes, self.canvases), self.resize)
        report.end_step("resize")
        report.finish()
        return pb_utils.InferenceResponse(
            [
                pb_utils.Tensor("canvas", canvas),
                pb_utils.Tensor("image_size", np.array(sizes, np.int32)),
                pb_utils.Tensor("original_size", np.array(original_sizes, np.int32)),
            ]
        )
