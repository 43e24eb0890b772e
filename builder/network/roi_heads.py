"""The second stage: detectron2's `Res5ROIHeads` with `FastRCNNOutputLayers` and the mask head."""

from __future__ import annotations

from typing import Any, NamedTuple

import onnx_ir as ir
from onnxscript.nn import Module, Parameter

from builder.config import ModelConfig
from builder.network.backbone import RES4_STRIDE
from builder.network.box_regression import apply_deltas, clip_boxes, finite_boxes
from builder.network.layers import Linear, PointwiseConvTranspose2d
from builder.network.nms import nms
from builder.network.proposal_generator import Proposals
from builder.network.res5 import res5_stage
from builder.network.roi_align import roi_align
from builder.network.top_k import NO_SCORE, first_k, gather_rows, is_score, top_k

MOST_CANDIDATES = 2048
"""Best (RoI, class) pairs that enter the NMS of the second stage.

Worse pairs cannot suppress better ones, so the answer is exact whenever no more pairs than this
pass SCORE_THRESH_TEST, or DETECTIONS_PER_IMAGE of these survive.
"""


class Detections(NamedTuple):
    """Detections of a batch, best first; those past a picture's own number are zeros."""

    num_detections: ir.Value
    """INT32 [N, 1]."""
    boxes: ir.Value
    """FP32 [N, D, 4], xyxy in pixels of the canvas."""
    scores: ir.Value
    """FP32 [N, D]."""
    classes: ir.Value
    """INT32 [N, D], contiguous ids."""


class FastRCNNOutputLayers(Module):
    """Class scores and box deltas of a RoI, and the choice of detections among them."""

    def __init__(self, config: ModelConfig, channels: int, dtype: ir.DataType) -> None:
        super().__init__()
        self.config = config
        self.dtype = dtype
        self.cls_score = Linear(channels, config.num_classes + 1, dtype)
        self.bbox_pred = Linear(channels, 4 * config.num_classes, dtype)

    def forward(
        self, op: Any, features: ir.Value, proposals: Proposals, image_size: ir.Value
    ) -> Detections:
        """Detections from the RoIs' features [N · R, C] and their proposals."""
        config = self.config
        classes = config.num_classes
        logits = op.Cast(self.cls_score(op, features), to=ir.DataType.FLOAT)
        # The background is the last class.
        scores = op.Slice(op.Softmax(logits, axis=1), [0], [classes], [1])
        roi_shape = op.Shape(proposals.exists)
        scores = op.Reshape(scores, op.Concat(roi_shape, [classes], axis=0))
        passes = op.And(
            op.Greater(scores, config.score_thresh), op.Unsqueeze(proposals.exists, [2])
        )
        candidate_scores = op.Flatten(op.Where(passes, scores, NO_SCORE), axis=1)
        count = min(config.rpn_post_nms_topk * classes, MOST_CANDIDATES)
        count = max(count, config.detections_per_image)
        scores, pair = top_k(op, candidate_scores, count)

        # (N, R · classes, 4): the four deltas of a (RoI, class) pair lie side by side.
        deltas = op.Reshape(
            self.bbox_pred(op, features), op.Concat(op.Shape(candidate_scores), [4], axis=0)
        )
        deltas = op.Cast(gather_rows(op, deltas, pair), to=ir.DataType.FLOAT)
        proposal_boxes = gather_rows(op, proposals.boxes, op.Div(pair, classes))
        boxes = apply_deltas(op, deltas, proposal_boxes, config.box_bbox_reg_weights)
        valid = op.And(is_score(op, scores), finite_boxes(op, boxes))
        boxes = clip_boxes(op, boxes, image_size)
        boxes = op.Where(op.Unsqueeze(valid, [2]), boxes, 0.0)
        pair_class = op.Mod(pair, classes)

        keep = nms(op, boxes, valid, count, config.nms_thresh, self.dtype, pair_class)
        kept, exists = first_k(op, keep, config.detections_per_image)
        count = op.ReduceSum(op.Cast(exists, to=ir.DataType.INT32), [1], keepdims=1)
        chosen_class = op.Cast(gather_rows(op, pair_class, kept), to=ir.DataType.INT32)
        return Detections(
            num_detections=count,
            boxes=op.Where(op.Unsqueeze(exists, [2]), gather_rows(op, boxes, kept), 0.0),
            scores=op.Where(exists, gather_rows(op, scores, kept), 0.0),
            classes=op.Mul(chosen_class, op.Cast(exists, to=ir.DataType.INT32)),
        )


class MaskRCNNConvUpsampleHead(Module):
    """Transposed convolution, then the mask of each detection's own class and of no other."""

    def __init__(self, config: ModelConfig, channels: int, dtype: ir.DataType) -> None:
        super().__init__()
        self.hidden = config.mask_conv_dim
        self.side = config.pooler_resolution // 2
        self.deconv = PointwiseConvTranspose2d(channels, self.hidden, dtype)
        self.predictor = MaskPredictor(config, dtype)

    def forward(self, op: Any, features: ir.Value, classes: ir.Value) -> ir.Value:
        """Mask probabilities.

        Args:
            features: [N · D · (m / 2)², C], the cells of each detection's map, channels last.
            classes: INT32 [N, D].

        Returns:
            FP32 [N, D, m, m], the probability of each cell of the box to belong to the object.
        """
        side = self.side
        hidden = op.Relu(self.deconv(op, features))
        hidden = op.Reshape(hidden, [-1, side * side * 4, self.hidden])
        logits = self.predictor(op, hidden, op.Reshape(classes, [-1]))
        # (y, x, 2, 2) cells of each map to rows and columns
        logits = op.Transpose(op.Reshape(logits, [-1, side, side, 2, 2]), perm=[0, 1, 3, 2, 4])
        logits = op.Reshape(logits, op.Concat(op.Shape(classes), [2 * side, 2 * side], axis=0))
        return op.Sigmoid(op.Cast(logits, to=ir.DataType.FLOAT))


class MaskPredictor(Module):
    """The 1×1 convolution to one mask for each class, of which one class is computed."""

    def __init__(self, config: ModelConfig, dtype: ir.DataType) -> None:
        super().__init__()
        self.weight = Parameter([config.num_classes, config.mask_conv_dim, 1, 1], dtype)
        self.bias = Parameter([config.num_classes], dtype)

    def forward(self, op: Any, hidden: ir.Value, classes: ir.Value) -> ir.Value:
        """[detections, cells, hidden] and INT32 [detections] → logits [detections, cells, 1]."""
        weight = op.Squeeze(op.Gather(self.weight, classes, axis=0), [3])
        bias = op.Unsqueeze(op.Gather(self.bias, classes, axis=0), [1, 2])
        return op.Add(op.MatMul(hidden, weight), bias)


class Res5ROIHeads(Module):
    """Pools RoIs from res4, runs res5 on each, and predicts; again for the masks of the detections.

    Both passes share res5's weights.
    """

    def __init__(
        self, config: ModelConfig, channels: int, dtype: ir.DataType, int8: bool = False
    ) -> None:
        super().__init__()
        self.config = config
        self.channels = channels
        self.dtype = dtype
        self.int8 = int8
        self.res5 = res5_stage(config, channels, dtype, int8)
        self.box_predictor = FastRCNNOutputLayers(config, 2 * channels, dtype)
        if config.mask_on:
            self.mask_head = MaskRCNNConvUpsampleHead(config, 2 * channels, dtype)

    def forward(
        self, op: Any, features: ir.Value, proposals: Proposals, image_size: ir.Value
    ) -> tuple[Detections, ir.Value | None]:
        """Detections, and mask probabilities FP32 [N, D, m, m] (None without MASK_ON).

        Args:
            features: [N, C, H, W], res4.
            proposals: of the same pictures.
            image_size: FP32 [N, 2], height and width in pixels.
        """
        cells = self._shared_roi_transform(op, features, proposals.boxes, image_size)
        maps = self._to_maps(op, cells, 2 * self.channels)
        pooled = op.Flatten(op.GlobalAveragePool(maps), axis=1)
        detections = self.box_predictor(op, pooled, proposals, image_size)
        if not self.config.mask_on:
            return detections, None
        cells = self._shared_roi_transform(op, features, detections.boxes, image_size)
        return detections, self.mask_head(op, cells, detections.classes)

    def _shared_roi_transform(
        self, op: Any, features: ir.Value, boxes: ir.Value, image_size: ir.Value
    ) -> ir.Value:
        """RoIAlign and res5: [N · R · (resolution / 2)², 2C], the cells of each RoI's map."""
        resolution = self.config.pooler_resolution
        x = roi_align(op, features, boxes, image_size, RES4_STRIDE, resolution, self.dtype)
        x = self._to_maps(op, x, self.channels) if self.int8 else op.Reshape(x, [-1, self.channels])
        for block in self.res5:
            x = block(op, x)
        if self.int8:
            x = op.Reshape(op.Transpose(x, perm=[0, 2, 3, 1]), [-1, 2 * self.channels])
        return x

    def _to_maps(self, op: Any, cells: ir.Value, channels: int) -> ir.Value:
        """Cells with their channels last → [RoIs, channels, resolution / 2, resolution / 2]."""
        side = self.config.pooler_resolution // 2
        return op.Transpose(op.Reshape(cells, [-1, side, side, channels]), perm=[0, 3, 1, 2])
