"""The second stage with heads of its own: detectron2's `StandardROIHeads`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import onnx_ir as ir
from onnxscript.nn import Module

from artifact.manifest import Tensor
from builder.config.rules import boolean, integer, names, one_of
from builder.config.settings import group, part, setting
from builder.network.feature_map import Canvas, FeatureMap, FeatureShape
from builder.network.operators.detection_rounds import AllPlaces, Places, detection_rounds
from builder.network.operators.roi_pooler import POOLER_TYPES, ROIPooler
from builder.network.precision import Precision
from builder.network.predictors import BOX_HEADS, KEYPOINT_HEADS, MASK_HEADS
from builder.network.predictors.box_head import FastRCNNConvFCHead, FastRCNNConvFCHeadSettings
from builder.network.predictors.fast_rcnn import (
    FastRCNNOutputLayers,
    FastRCNNOutputLayersSettings,
    Predictions,
)
from builder.network.predictors.keypoint_head import (
    Heatmaps,
    KRCNNConvDeconvUpsampleHeadSettings,
)
from builder.network.predictors.mask_head import MaskRCNNConvUpsampleHeadSettings
from builder.network.structures import Detections, Proposals


@dataclass(frozen=True)
class BoxPoolerSettings:
    """How RoIs are pooled for their boxes."""

    resolution: int = setting("MODEL.ROI_BOX_HEAD.POOLER_RESOLUTION", 14, integer())
    pooler_type: str = setting(
        "MODEL.ROI_BOX_HEAD.POOLER_TYPE", "ROIAlignV2", one_of(*POOLER_TYPES)
    )
    sampling_ratio: int = setting("MODEL.ROI_BOX_HEAD.POOLER_SAMPLING_RATIO", 0, integer(least=0))


@dataclass(frozen=True)
class MaskPoolerSettings:
    """How detections are pooled for their masks."""

    resolution: int = setting("MODEL.ROI_MASK_HEAD.POOLER_RESOLUTION", 14, integer())
    pooler_type: str = setting(
        "MODEL.ROI_MASK_HEAD.POOLER_TYPE", "ROIAlignV2", one_of(*POOLER_TYPES)
    )
    sampling_ratio: int = setting("MODEL.ROI_MASK_HEAD.POOLER_SAMPLING_RATIO", 0, integer(least=0))


@dataclass(frozen=True)
class StandardROIHeadsSettings:
    """Those of `StandardROIHeads`."""

    in_features: tuple[str, ...] = setting("MODEL.ROI_HEADS.IN_FEATURES", ("res4",), names())
    """The maps of the backbone that RoIs are pooled from."""
    box_pooler: BoxPoolerSettings = group(BoxPoolerSettings)
    box_head: FastRCNNConvFCHeadSettings = part(
        "MODEL.ROI_BOX_HEAD.NAME", BOX_HEADS, because="other box heads are not built"
    )
    box_predictor: FastRCNNOutputLayersSettings = group(FastRCNNOutputLayersSettings)
    mask_on: bool = setting("MODEL.MASK_ON", False, boolean())
    mask_pooler: MaskPoolerSettings = group(MaskPoolerSettings)
    mask_head: MaskRCNNConvUpsampleHeadSettings | None = part(
        "MODEL.ROI_MASK_HEAD.NAME",
        MASK_HEADS,
        because="other mask heads are not built",
        where="mask_on",
    )
    keypoint_on: bool = setting("MODEL.KEYPOINT_ON", False, boolean())
    keypoint_head: KRCNNConvDeconvUpsampleHeadSettings | None = part(
        "MODEL.ROI_KEYPOINT_HEAD.NAME",
        KEYPOINT_HEADS,
        because="other keypoint heads are not built",
        where="keypoint_on",
    )

    prefix = ""
    """What detectron2's model zoo puts before Mask R-CNN for models with these heads."""
    title = ""
    """What detectron2's model zoo adds to the backbone's name for models with these heads."""

    def outputs(self) -> tuple[Tensor, ...]:
        """The network's outputs, which `StandardROIHeads` makes."""
        outputs = self.box_predictor.outputs()
        places = self.box_predictor.detections_per_image
        if self.mask_head is not None:
            side = 2 * self.mask_pooler.resolution
            outputs += (Tensor("mask_probs", "FP32", (-1, places, side, side)),)
        if self.keypoint_head is not None:
            outputs += self.keypoint_head.outputs(places)
        return outputs

    def build(
        self, shapes: Mapping[str, FeatureShape], most_proposals: int, precision: Precision
    ) -> PooledROIHeads:
        """The module, for the maps of a backbone and so many proposals in a picture."""
        return StandardROIHeads(self, shapes, most_proposals, precision)


class PooledROIHeads(Module):
    """Heads that pool from the backbone's maps: each has a box branch; the others are the same."""

    def __init__(
        self,
        settings: StandardROIHeadsSettings,
        shapes: Mapping[str, FeatureShape],
        precision: Precision,
    ) -> None:
        super().__init__()
        self.in_features = settings.in_features
        self.channels = shapes[settings.in_features[0]].channels
        self.precision = precision
        self.box_pooler = ROIPooler(**vars(settings.box_pooler))
        self.mask_pooler = ROIPooler(**vars(settings.mask_pooler))
        self.places = settings.box_predictor.detections_per_image
        self.mask_on = settings.mask_head is not None
        if settings.mask_head is not None:
            self.mask_head = settings.mask_head.build(
                self.channels,
                self.mask_pooler.resolution,
                settings.box_predictor.num_classes,
                precision,
            )
        self.keypoint_on = settings.keypoint_head is not None
        if settings.keypoint_head is not None:
            self.keypoint_pooler = ROIPooler(**vars(settings.keypoint_head.pooler))
            self.keypoint_head = settings.keypoint_head.build(self.channels, precision)

    def forward(
        self, op: Any, features: Mapping[str, FeatureMap], proposals: Proposals, canvas: Canvas
    ) -> dict[str, ir.Value]:
        """The values of `StandardROIHeadsSettings.outputs`, by name.

        Args:
            features: the maps of the backbone.
            proposals: of the same pictures.
            canvas: the pictures.
        """
        maps = [features[name] for name in self.in_features]
        box_maps = self.box_pooler.bordered(op, maps, self.precision)
        detections = self.forward_box(op, box_maps, proposals, canvas.image_size)
        outputs = dict(vars(detections))
        if self.mask_on or self.keypoint_on:
            rounds = detection_rounds(op, detections, self.places, static=self.precision.static)
        if self.mask_on:
            outputs["mask_probs"] = self.forward_mask(op, maps, detections, rounds)
        if self.keypoint_on:
            outputs |= self.forward_keypoint(op, maps, detections, rounds)._asdict()
        return outputs

    def forward_mask(
        self,
        op: Any,
        maps: Sequence[FeatureMap],
        detections: Detections,
        rounds: AllPlaces,
    ) -> ir.Value:
        """The masks of the detections, from the maps that they are pooled from."""
        bordered = self.mask_pooler.bordered(op, maps, self.precision)

        def mask_probs(op: Any, places: Places) -> ir.Value:
            boxes, classes = (
                places.take(op, each) for each in (detections.boxes, detections.classes)
            )
            pooled = self.mask_pooler.pool(op, bordered, boxes, places.pictures, self.precision)
            return self.mask_head(op, pooled, classes)

        return rounds.make(op, [2 * self.mask_pooler.resolution] * 2, mask_probs)

    def forward_keypoint(
        self,
        op: Any,
        maps: Sequence[FeatureMap],
        detections: Detections,
        rounds: AllPlaces,
    ) -> Heatmaps:
        """The heatmaps of the detections' points, from the maps that they are pooled from."""
        bordered = self.keypoint_pooler.bordered(op, maps, self.precision)

        def heatmaps(op: Any, places: Places) -> ir.Value:
            boxes = places.take(op, detections.boxes)
            pooled = self.keypoint_pooler.pool(op, bordered, boxes, places.pictures, self.precision)
            found = self.keypoint_head(op, pooled)
            logits = op.Reshape(found.keypoint_logits, [0, 0, -1])
            return op.Concat(logits, op.Unsqueeze(found.keypoint_normalizers, [2]), axis=2)

        side = 2 * self.keypoint_pooler.resolution
        shape = [self.keypoint_head.settings.num_keypoints, side**2 + 1]
        found = rounds.make(op, shape, heatmaps)
        logits = op.Reshape(op.Slice(found, [0], [side**2], [3]), [0, 0, 0, side, side])
        return Heatmaps(logits, op.Squeeze(op.Slice(found, [side**2], [2**31], [3]), [3]))

    def forward_box(
        self, op: Any, maps: Sequence[FeatureMap], proposals: Proposals, image_size: ir.Value
    ) -> Detections:
        """Detections from the maps as the box pooler takes them, and proposals."""
        raise NotImplementedError

    def predict(
        self,
        op: Any,
        head: FastRCNNConvFCHead,
        predictor: FastRCNNOutputLayers,
        maps: Sequence[FeatureMap],
        proposals: Proposals,
    ) -> Predictions:
        """What a box head and a predictor make of the proposals."""
        boxes = op.Reshape(proposals.boxes, [-1, 4])
        pooled = self.box_pooler.pool(op, maps, boxes, proposals.pictures(op), self.precision)
        return predictor(op, head(op, pooled))


class StandardROIHeads(PooledROIHeads):
    """One box head."""

    def __init__(
        self,
        settings: StandardROIHeadsSettings,
        shapes: Mapping[str, FeatureShape],
        most_proposals: int,
        precision: Precision,
    ) -> None:
        super().__init__(settings, shapes, precision)
        self.box_head = settings.box_head.build(
            self.channels, self.box_pooler.resolution, precision
        )
        self.box_predictor = FastRCNNOutputLayers(
            settings.box_predictor, self.box_head.out_channels, most_proposals, precision
        )

    def forward_box(
        self, op: Any, maps: Sequence[FeatureMap], proposals: Proposals, image_size: ir.Value
    ) -> Detections:
        """Detections from the maps as the box pooler takes them, and proposals."""
        predictor = self.box_predictor
        predictions = self.predict(op, self.box_head, predictor, maps, proposals)
        probs = predictor.predict_probs(op, predictions, proposals)
        return predictor.inference(op, probs, predictions, proposals, image_size)
