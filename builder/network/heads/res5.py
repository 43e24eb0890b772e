"""The second stage over res5: detectron2's `Res5ROIHeads`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import onnx_ir as ir
from onnxscript.nn import Module

from artifact.manifest import Tensor
from builder.config.rules import boolean, exactly, integer
from builder.config.settings import group, part, setting
from builder.network.backbones.resnet import BottleneckSettings
from builder.network.feature_map import Canvas, FeatureMap, FeatureShape
from builder.network.heads.res5_stage import ProductsBeforePooling, res5_stage
from builder.network.operators.detection_rounds import Places, detection_rounds
from builder.network.operators.roi_align import roi_align
from builder.network.precision import Precision
from builder.network.predictors import MASK_HEADS
from builder.network.predictors.fast_rcnn import FastRCNNOutputLayers, FastRCNNOutputLayersSettings
from builder.network.predictors.mask_head import MaskRCNNConvUpsampleHeadSettings
from builder.network.structures import Proposals


@dataclass(frozen=True)
class Res5ROIHeadsSettings:
    """Those of `Res5ROIHeads`."""

    in_features: tuple[str, ...] = setting(
        "MODEL.ROI_HEADS.IN_FEATURES",
        ("res4",),
        exactly(("res4",), because="res5 continues from res4"),
    )
    pooler_type: str = setting(
        "MODEL.ROI_BOX_HEAD.POOLER_TYPE",
        "ROIAlignV2",
        exactly("ROIAlignV2", because="other poolers are not built"),
    )
    pooler_resolution: int = setting(
        "MODEL.ROI_BOX_HEAD.POOLER_RESOLUTION", 14, integer(multiple_of=2)
    )
    """Bins of a pooled region in each axis. Even, because res5 halves it."""
    pooler_sampling_ratio: int = setting(
        "MODEL.ROI_BOX_HEAD.POOLER_SAMPLING_RATIO",
        0,
        exactly(0, because="the number of samples of a bin follows the size of the region"),
    )
    blocks: BottleneckSettings = group(BottleneckSettings)
    box_predictor: FastRCNNOutputLayersSettings = group(FastRCNNOutputLayersSettings)
    mask_on: bool = setting("MODEL.MASK_ON", False, boolean())
    mask_head: MaskRCNNConvUpsampleHeadSettings | None = part(
        "MODEL.ROI_MASK_HEAD.NAME",
        MASK_HEADS,
        because="other mask heads are not built",
        where="mask_on",
    )
    keypoint_on: bool = setting(
        "MODEL.KEYPOINT_ON",
        False,
        exactly(False, because="detectron2 has no keypoints on Res5ROIHeads either"),
    )

    keypoint_head = None
    prefix = ""
    """What detectron2's model zoo puts before Mask R-CNN for models with these heads."""
    title = "-C4"
    """What detectron2's model zoo adds to the backbone's name for models with these heads."""

    def __post_init__(self) -> None:
        if not self.blocks.stride_in_1x1 or self.blocks.num_groups > 1:
            raise ValueError(
                f"MODEL.RESNETS.STRIDE_IN_1X1 is {self.blocks.stride_in_1x1} and NUM_GROUPS is "
                f"{self.blocks.num_groups}; supported with Res5ROIHeads: True and 1 (res5 reads "
                "every second bin, and is made of matrix products)"
            )
        if self.mask_head is not None and self.mask_head.num_conv:
            raise ValueError(
                f"MODEL.ROI_MASK_HEAD.NUM_CONV is {self.mask_head.num_conv}; supported with "
                "Res5ROIHeads: 0 (the mask head is a transposed convolution and a 1x1 convolution "
                "on res5)"
            )

    @property
    def side(self) -> int:
        """Cells of a RoI's map in each axis, after res5."""
        return self.pooler_resolution // 2

    def outputs(self) -> tuple[Tensor, ...]:
        """The network's outputs, which `Res5ROIHeads` makes."""
        boxes = self.box_predictor.outputs()
        if self.mask_head is None:
            return boxes
        places, side = self.box_predictor.detections_per_image, 2 * self.side
        return (*boxes, Tensor("mask_probs", "FP32", (-1, places, side, side)))

    def build(
        self, shapes: Mapping[str, FeatureShape], most_proposals: int, precision: Precision
    ) -> Res5ROIHeads:
        """The module, for the maps of a backbone and so many proposals in a picture."""
        return Res5ROIHeads(self, shapes, most_proposals, precision)


class Res5ROIHeads(Module):
    """Pools RoIs from res4, runs res5 on each, and predicts; again for the masks of the detections.

    Both passes share res5's weights.
    """

    def __init__(
        self,
        settings: Res5ROIHeadsSettings,
        shapes: Mapping[str, FeatureShape],
        most_proposals: int,
        precision: Precision,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.precision = precision
        [self.in_feature] = settings.in_features
        in_channels = shapes[self.in_feature].channels
        bottleneck, self.out_channels = settings.blocks.stage_channels(5)
        self.pooled_channels: tuple[int, ...] = (in_channels,)
        if precision.products_before_pooling:
            self.pooled_channels = bottleneck, self.out_channels
        self.res5 = res5_stage(in_channels, bottleneck, self.out_channels, settings.side, precision)
        self.box_predictor = FastRCNNOutputLayers(
            settings.box_predictor, self.out_channels, most_proposals, precision
        )
        if settings.mask_head is not None:
            self.mask_head = settings.mask_head.build(
                self.out_channels, settings.side, settings.box_predictor.num_classes, precision
            )

    def forward(
        self, op: Any, features: Mapping[str, FeatureMap], proposals: Proposals, canvas: Canvas
    ) -> dict[str, ir.Value]:
        """The values of `Res5ROIHeadsSettings.outputs`, by name.

        Args:
            features: the maps of the backbone.
            proposals: of the same pictures.
            canvas: the pictures.
        """
        maps = self._maps_to_pool(op, features[self.in_feature])
        x = self._shared_roi_transform(op, self._pool(op, maps, proposals.boxes))
        if not self.precision.res5_over_maps:
            x = self._to_map(op, x, self.out_channels)
        means = op.Flatten(op.GlobalAveragePool(x), axis=1)
        predictions = self.box_predictor(op, means)
        probs = self.box_predictor.predict_probs(op, predictions, proposals)
        detections = self.box_predictor.inference(
            op, probs, predictions, proposals, canvas.image_size
        )
        outputs = dict(vars(detections))
        if self.settings.mask_head is not None:
            boxes = detections.boxes
            if not self.precision.static:
                boxes = detections.filled_boxes(op)
            pooled = self._pool(op, maps, boxes)

            def mask_probs(op: Any, places: Places) -> ir.Value:
                x = self._shared_roi_transform(op, [places.take(op, each) for each in pooled])
                classes = places.take(op, detections.classes)
                channels_last = not self.precision.res5_over_maps
                return self.mask_head(op, x, classes, channels_last)

            rounds = detection_rounds(
                op,
                detections,
                self.settings.box_predictor.detections_per_image,
                static=self.precision.static,
            )
            outputs["mask_probs"] = rounds.make(op, [2 * self.settings.side] * 2, mask_probs)
        return outputs

    def _maps_to_pool(self, op: Any, feature_map: FeatureMap) -> list[FeatureMap]:
        """The map that RoIs are pooled from, or what is made of it before; see `res5_stage`."""
        first = self.res5[0]
        if not isinstance(first, ProductsBeforePooling):
            return [feature_map]
        products = first.products(op, feature_map.value)
        return [dataclasses.replace(feature_map, value=each) for each in products]

    def _pool(self, op: Any, feature_maps: Sequence[FeatureMap], boxes: ir.Value) -> list[ir.Value]:
        """RoIAlign of boxes [N, R, 4]: of each map [N, R, side, side, channels of the map]."""
        resolution, dtype = self.settings.pooler_resolution, self.precision.dtype
        return [roi_align(op, each, boxes, resolution, dtype) for each in feature_maps]

    def _shared_roi_transform(self, op: Any, pooled: Sequence[ir.Value]) -> ir.Value:
        """res5 on what is pooled for RoIs.

        Returns:
            Maps [RoIs, out channels, side, side] where `Precision.res5_over_maps`, else their
            cells [RoIs · side², out channels].
        """
        x: list[ir.Value] = []
        for each, channels in zip(pooled, self.pooled_channels, strict=True):
            if self.precision.res5_over_maps:
                x.append(self._to_map(op, each, channels))
            else:
                x.append(op.Reshape(each, [-1, channels]))
        for block in self.res5:
            x = [block(op, *x)]
        return x[0]

    def _to_map(self, op: Any, cells: ir.Value, channels: int) -> ir.Value:
        """Cells with their channels last → [RoIs, channels, side, side]."""
        side = self.settings.side
        return op.Transpose(op.Reshape(cells, [-1, side, side, channels]), perm=[0, 3, 1, 2])
