"""Box heads in turn, each on the boxes of the one before it: detectron2's `CascadeROIHeads`."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import onnx_ir as ir
from onnxscript.nn import ModuleList

from builder.config.rules import POSITIVE, lists_of_numbers
from builder.config.settings import setting
from builder.network.feature_map import FeatureMap, FeatureShape
from builder.network.heads.standard import PooledROIHeads, StandardROIHeadsSettings
from builder.network.precision import Precision
from builder.network.predictors.fast_rcnn import FastRCNNOutputLayers
from builder.network.structures import Detections, Proposals


@dataclass(frozen=True)
class CascadeROIHeadsSettings(StandardROIHeadsSettings):
    """Those of `CascadeROIHeads`."""

    stage_weights: tuple[tuple[float, float, float, float], ...] = setting(
        "MODEL.ROI_BOX_CASCADE_HEAD.BBOX_REG_WEIGHTS",
        ((10.0, 10.0, 5.0, 5.0), (20.0, 20.0, 10.0, 10.0), (30.0, 30.0, 15.0, 15.0)),
        lists_of_numbers(POSITIVE),
    )
    """For each stage the divisors of (dx, dy, dw, dh), in place of those of the box head."""

    prefix = "Cascade "

    def __post_init__(self) -> None:
        if any(len(weights) != 4 for weights in self.stage_weights):
            raise ValueError(
                "MODEL.ROI_BOX_CASCADE_HEAD.BBOX_REG_WEIGHTS is "
                f"{[list(weights) for weights in self.stage_weights]}; supported: four numbers for "
                "each stage"
            )
        if not self.box_predictor.cls_agnostic_bbox_reg:
            raise ValueError(
                "MODEL.ROI_BOX_HEAD.CLS_AGNOSTIC_BBOX_REG is False; supported with "
                "CascadeROIHeads: True (the next stage gets one box for each RoI)"
            )

    def build(
        self, shapes: Mapping[str, FeatureShape], most_proposals: int, precision: Precision
    ) -> CascadeROIHeads:
        """The module, for the maps of a backbone and so many proposals in a picture."""
        return CascadeROIHeads(self, shapes, most_proposals, precision)


class CascadeROIHeads(PooledROIHeads):
    """A box head for each stage."""

    def __init__(
        self,
        settings: CascadeROIHeadsSettings,
        shapes: Mapping[str, FeatureShape],
        most_proposals: int,
        precision: Precision,
    ) -> None:
        super().__init__(settings, shapes, precision)
        self.stages = []
        for weights in settings.stage_weights:
            head = settings.box_head.build(self.channels, self.box_pooler.resolution, precision)
            of_stage = dataclasses.replace(settings.box_predictor, bbox_reg_weights=weights)
            predictor = FastRCNNOutputLayers(of_stage, head.out_channels, most_proposals, precision)
            self.stages.append((head, predictor))
        self.box_head = ModuleList([head for head, _ in self.stages])
        self.box_predictor = ModuleList([predictor for _, predictor in self.stages])

    def forward_box(
        self, op: Any, maps: Sequence[FeatureMap], proposals: Proposals, image_size: ir.Value
    ) -> Detections:
        """Boxes of the last stage; scores are the mean of those of all stages."""
        probs: list[ir.Value] = []
        for number, (head, predictor) in enumerate(self.stages, 1):
            predictions = self.predict(op, head, predictor, maps, proposals)
            probs.append(predictor.predict_probs(op, predictions, proposals))
            if number < len(self.stages):
                proposals = predictor.refine(op, predictions, proposals, image_size)
        total = functools.reduce(op.Add, probs)
        mean = op.Mul(total, 1.0 / len(probs))
        return predictor.inference(op, mean, predictions, proposals, image_size)
