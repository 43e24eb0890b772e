"""mask_rcnn_postprocess: the network's detections to those of the original pictures."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils
from boxes import boxes_in_original, nonempty
from paste import paste_mask
from rle import compressed_rle
from threshold import ParameterError, score_threshold


class TritonPythonModel:
    """Scales boxes, pastes and encodes masks; the tensors are described in ``config.pbtxt``."""

    def initialize(self, args: dict[str, Any]) -> None:
        parameters = json.loads(args["model_config"])["parameters"]
        category_ids = parameters["category_ids"]["string_value"].split(",")
        self.category_ids = np.array(category_ids, np.int32)

    def execute(self, requests: list[Any]) -> list[Any]:
        return [self._respond(request) for request in requests]

    def _respond(self, request: Any) -> Any:
        try:
            threshold = score_threshold(request.parameters())
        except ParameterError as error:
            return pb_utils.InferenceResponse(
                error=pb_utils.TritonError(str(error), pb_utils.TritonError.INVALID_ARG)
            )
        requested = request.requested_output_names()
        found = _input(request, "num_detections")[:, 0]
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
            if mask_probs is not None:
                height, width = (int(side) for side in original_size[n])
                for place, detection in enumerate(kept):
                    mask = paste_mask(mask_probs[n, detection], original[detection], height, width)
                    outputs["masks"][n, place] = compressed_rle(mask, height, width)
        return pb_utils.InferenceResponse(
            [pb_utils.Tensor(name, outputs[name]) for name in outputs if name in requested]
        )


def _input(request: Any, name: str) -> Any:
    return pb_utils.get_input_tensor_by_name(request, name).as_numpy()
