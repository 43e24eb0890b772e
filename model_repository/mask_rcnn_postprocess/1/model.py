"""postprocess: the network's detections to those of the original pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from boxes import boxes_in_original, nonempty
from keypoints import keypoints_in_original
from paste import paste_mask
from request_report import RequestReport
from rle import compressed_rle
from step import Refusal, Step, input_array
from threshold import ParameterError, score_threshold

BAD_PARAMETER = "bad_parameter"
"""Why a request is refused here: its ``score_threshold``."""


class TritonPythonModel(Step):
    """Scales boxes, pastes and encodes masks, finds points; ``config.pbtxt`` has the tensors."""

    NAME = "postprocess"
    TIMED = ("boxes", "paste", "encode", "keypoints")
    REASONS = (BAD_PARAMETER,)

    def configure(self, parameters: Mapping[str, str]) -> None:
        self.category_ids = np.array(parameters["category_ids"].split(","), np.int32)

    def answer(self, request: Any, report: RequestReport) -> dict[str, Any]:
        try:
            threshold = score_threshold(request.parameters())
        except ParameterError as error:
            raise Refusal(str(error), BAD_PARAMETER) from error
        found = input_array(request, "num_detections")[:, 0]
        boxes, scores = input_array(request, "boxes"), input_array(request, "scores")
        classes = input_array(request, "classes")
        image_size = input_array(request, "image_size")
        original_size = input_array(request, "original_size")
        wanted = request.requested_output_names()
        mask_probs = input_array(request, "mask_probs") if "masks" in wanted else None
        heatmaps = (
            (input_array(request, "keypoint_logits"), input_array(request, "keypoint_normalizers"))
            if "keypoints" in wanted
            else None
        )

        outputs = {
            "num_detections": np.zeros((len(found), 1), np.int32),
            "boxes": np.zeros_like(boxes),
            "scores": np.zeros_like(scores),
            "category_ids": np.zeros_like(classes),
        }
        if mask_probs is not None:
            outputs["masks"] = np.full(scores.shape, b"", np.object_)
        if heatmaps is not None:
            outputs["keypoints"] = np.zeros((*heatmaps[1].shape, 3), np.float32)
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
            if heatmaps is not None:
                outputs["keypoints"][n, : len(kept)] = keypoints_in_original(
                    heatmaps[0][n, kept],
                    heatmaps[1][n, kept],
                    boxes[n, kept],
                    image_size[n],
                    original_size[n],
                )
                report.end_step("keypoints")
        report.detections = int(outputs["num_detections"].sum())
        return outputs
