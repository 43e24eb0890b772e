"""mask_rcnn_postprocess: the network's detections to those of the original pictures."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils
from boxes import boxes_in_original, nonempty
from metrics import Metrics
from paste import paste_mask
from request_report import RequestReport
from rle import compressed_rle
from threshold import ParameterError, score_threshold

BAD_PARAMETER = "bad_parameter"
"""Why a request is refused here: its ``score_threshold``."""


class TritonPythonModel:
    """Scales boxes, pastes and encodes masks; the tensors are described in ``config.pbtxt``."""

    def initialize(self, args: dict[str, Any]) -> None:
        parameters = json.loads(args["model_config"])["parameters"]
        category_ids = parameters["category_ids"]["string_value"].split(",")
        self.category_ids = np.array(category_ids, np.int32)
        self.metrics = Metrics(steps=("boxes", "paste", "encode"), reasons=(BAD_PARAMETER,))

    def execute(self, requests: list[Any]) -> list[Any]:
        return [self._respond(request) for request in requests]

    def finalize(self) -> None:
        self.metrics.close()
        # Triton 2.51's process crashes, after the work, if its metrics outlive this call.
        del self.metrics

    def _respond(self, request: Any) -> Any:
        found = _input(request, "num_detections")[:, 0]
        report = RequestReport("postprocess", self.metrics, request, pictures=len(found))
        try:
            threshold = score_threshold(request.parameters())
        except ParameterError as error:
            return report.refuse(BAD_PARAMETER, str(error))
        requested = request.requested_output_names()
        boxes, scores = _input(request, "boxes"), _input(request, "scores")
        classes = _input(request, "classes")
        image_size, original_size = _input(request, "image_size"), _input(request, "original_size")
        mask_probs = _input(request, "mask_probs") if "masks" in requested else None

        outputs = {
            "num_detections": np.zeros((len(found), 1), np.int32),
            "boxes": np.zeros_like(boxes),
            "scores": np.zeros_like(scores),
            "category_ids": np.zeros_like(classes),
        }
        if mask_probs is not None:
            outputs["masks"] = np.full(scores.shape, b"", np.object_)
        for n, count in enumerate(found):
            original = boxes_in_original(boxes[n, :count], image_size[n], original_size[n])
            kept = np.flatnonzero(nonempty(original) & (scores[n, :count] > threshold))
            outputs["num_detections"][n] = len(kept)
            outputs["boxes"][n, : len(kept)] = original[kept]
            outputs["scores"][n, : len(kept)] = scores[n, kept]
            outputs["category_ids"][n, : len(kept)] = self.category_ids[classes[n, kept]]
            report.end_step("boxes")
            if mask_probs is not None:
                height, width = (int(side) for side in original_size[n])
                for place, detection in enumerate(kept):
                    mask = paste_mask(mask_probs[n, detection], original[detection], height, width)
                    report.end_step("paste")
                    outputs["masks"][n, place] = compressed_rle(mask, height, width)
                    report.end_step("encode")
        detections = int(outputs["num_detections"].sum())
        self.metrics.count_answer(len(found), detections)
        report.finish(detections=detections)
        return pb_utils.InferenceResponse(
            [pb_utils.Tensor(name, outputs[name]) for name in outputs if name in requested]
        )


def _input(request: Any, name: str) -> Any:
    return pb_utils.get_input_tensor_by_name(request, name).as_numpy()
