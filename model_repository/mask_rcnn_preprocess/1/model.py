"""preprocess: encoded pictures in, one canvas for the network out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from canvas import draw_canvas, parse_canvases, smallest_canvas
from decode import REASONS, DecodeError, decode_images
from heap import keep_freed_memory
from request_report import RequestReport
from resize import RESIZERS, resized_size
from step import Refusal, Step, input_array


class TritonPythonModel(Step):
    """Decodes, resizes and pads; the tensors are described in ``config.pbtxt``."""

    NAME = "preprocess"
    TIMED = ("decode", "resize")
    REASONS = REASONS

    def configure(self, parameters: Mapping[str, str]) -> None:
        self.min_size = int(parameters["min_size_test"])
        self.max_size = int(parameters["max_size_test"])
        self.canvases = parse_canvases(parameters["canvases"])
        resize = parameters["resize"]
        if resize not in RESIZERS:
            raise ValueError(f"resize is {resize!r}; expected one of {', '.join(RESIZERS)}")
        self.resize = RESIZERS[resize]
        # Cores are shared out by the number of instances; a pool in each would fight over them.
        cv2.setNumThreads(1)
        keep_freed_memory()

    def answer(self, request: Any, report: RequestReport) -> dict[str, Any]:
        try:
            images = decode_images(input_array(request, "image")[:, 0])
        except DecodeError as error:
            raise Refusal(str(error), error.reason) from error
        report.end_step("decode")
        original_sizes = [(image.height, image.width) for image in images]
        sizes = [resized_size(*size, self.min_size, self.max_size) for size in original_sizes]
        canvas = draw_canvas(images, sizes, smallest_canvas(sizes, self.canvases), self.resize)
        report.end_step("resize")
        return {
            "canvas": canvas,
            "image_size": np.array(sizes, np.int32),
            "original_size": np.array(original_sizes, np.int32),
        }
