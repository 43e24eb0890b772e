"""The region proposal network: detectron2's `RPN` with `StandardRPNHead` and its NMS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import onnx_ir as ir
from onnxscript.nn import Module

from builder.config.rules import FRACTION, POSITIVE, exactly, integer, names, numbers
from builder.config.settings import group, setting
from builder.network.feature_map import Canvas, FeatureMap, FeatureShape
from builder.network.layers import Conv2d
from builder.network.operators.batched_nms import Chosen
from builder.network.operators.box_regression import apply_deltas, clip_boxes, finite_boxes
from builder.network.operators.grouped_nms import grouped_nms
from builder.network.operators.top_k import (
    NO_SCORE,
    finite_or_no_score,
    gather_rows,
    is_score,
    top_k,
)
from builder.network.precision import Precision
from builder.network.proposals.anchors import DefaultAnchorGenerator, DefaultAnchorGeneratorSettings
from builder.network.structures import Proposals


@dataclass(frozen=True)
class RPNSettings:
    """Those of `RPN`."""

    in_features: tuple[str, ...] = setting("MODEL.RPN.IN_FEATURES", ("res4",), names())
    """The maps of the backbone that anchors stand on."""
    head_name: str = setting(
        "MODEL.RPN.HEAD_NAME",
        "StandardRPNHead",
        exactly("StandardRPNHead", because="other RPN heads are not built"),
    )
    conv_dims: tuple[int, ...] = setting(
        "MODEL.RPN.CONV_DIMS",
        (-1,),
        exactly((-1,), because="the RPN has one 3x3 convolution that keeps the number of channels"),
    )
    anchors: DefaultAnchorGeneratorSettings = group(DefaultAnchorGeneratorSettings)
    bbox_reg_weights: tuple[float, float, float, float] = setting(
        "MODEL.RPN.BBOX_REG_WEIGHTS", (1.0, 1.0, 1.0, 1.0), numbers(4, POSITIVE)
    )
    """Divisors of (dx, dy, dw, dh)."""
    min_size: int = setting(
        "MODEL.PROPOSAL_GENERATOR.MIN_SIZE",
        0,
        exactly(0, because="small proposals are kept, only empty ones are dropped"),
    )
    pre_nms_topk: int = setting("MODEL.RPN.PRE_NMS_TOPK_TEST", 6000, integer())
    """Anchors of the highest objectness of each map that go into the NMS."""
    nms_thresh: float = setting("MODEL.RPN.NMS_THRESH", 0.7, FRACTION)
    """Intersection over union above which a proposal of the same map is suppressed."""
    post_nms_topk: int = setting("MODEL.RPN.POST_NMS_TOPK_TEST", 1000, integer())
    """Most proposals of a picture, over all maps."""
    load_proposals: bool = setting(
        "MODEL.LOAD_PROPOSALS",
        False,
        exactly(False, because="proposals come from the network's own RPN"),
    )

    def __post_init__(self) -> None:
        self.anchors.check(len(self.in_features))

    def build(self, shapes: Mapping[str, FeatureShape], precision: Precision) -> RPN:
        """The module, for the maps that a backbone hands on."""
        return RPN(self, shapes, precision)


class StandardRPNHead(Module):
    """3×3 convolution, then objectness and box deltas for every anchor."""

    def __init__(self, channels: int, anchors: int, dtype: ir.DataType) -> None:
        super().__init__()
        self.dtype = dtype
        self.conv = Conv2d(channels, channels, 3, dtype, padding=1)
        # Little work. The deltas are boxes: on the demo model int8 in this layer alone puts them
        # off by 2%, int8 in all the layers before it by 3.6%.
        self.objectness_logits = Conv2d(channels, anchors, 1, dtype, stays_fp16=True)
        self.anchor_deltas = Conv2d(channels, 4 * anchors, 1, dtype, stays_fp16=True)

    def forward(self, op: Any, features: FeatureMap) -> tuple[ir.Value, ir.Value]:
        """A map [N, C, H, W] → logits [N, A, H, W] and deltas [N, 4A, H, W]."""
        valid = op.Cast(features.grid.cells, to=self.dtype)
        hidden = op.Relu(self.conv(op, op.Mul(features.value, valid)))
        return self.objectness_logits(op, hidden), self.anchor_deltas(op, hidden)


class RPN(Module):
    """Scores all anchors and keeps the best that do not overlap."""

    def __init__(
        self, settings: RPNSettings, shapes: Mapping[str, FeatureShape], precision: Precision
    ) -> None:
        super().__init__()
        self.settings = settings
        self.precision = precision
        self.anchor_generators = [
            settings.anchors.build(number) for number in range(len(settings.in_features))
        ]
        # One head for all maps: they have as many channels, and as many anchors in a cell.
        channels = shapes[settings.in_features[0]].channels
        self.rpn_head = StandardRPNHead(channels, len(self.anchor_generators[0]), precision.dtype)

    @property
    def most_proposals(self) -> int:
        """Places for the proposals of a picture."""
        settings = self.settings
        return min(settings.post_nms_topk, settings.pre_nms_topk * len(settings.in_features))

    def forward(self, op: Any, features: Mapping[str, FeatureMap], canvas: Canvas) -> Proposals:
        """Proposals for the pictures of `canvas`, from the maps of its backbone."""
        found = [
            self._of_one_map(op, features[name], generator, canvas.image_size)
            for name, generator in zip(
                self.settings.in_features, self.anchor_generators, strict=True
            )
        ]
        boxes, scores = (_stacked(op, parts, axis=1) for parts in zip(*found, strict=True))
        chosen = self._choose(op, scores, boxes)
        chosen.scores.name = "rpn.logits"
        return Proposals(chosen.boxes, is_score(op, chosen.scores))

    def _choose(self, op: Any, scores: ir.Value, boxes: ir.Value) -> Chosen:
        """The best proposals of all maps that do not overlap one of their own map.

        Args:
            scores: FP32 [N, maps · pre_nms_topk], map by map.
            boxes: FP32 [N, maps · pre_nms_topk, 4].
        """
        settings = self.settings
        return grouped_nms(
            op,
            scores,
            boxes,
            groups=len(settings.in_features),
            size=settings.pre_nms_topk,
            places=self.most_proposals,
            iou_threshold=settings.nms_thresh,
            dtype=self.precision.dtype,
            static=self.precision.static,
        )

    def _of_one_map(
        self,
        op: Any,
        feature_map: FeatureMap,
        anchor_generator: DefaultAnchorGenerator,
        image_size: ir.Value,
    ) -> tuple[ir.Value, ir.Value]:
        """The best boxes of a map before NMS, FP32 [N, pre_nms_topk, 4], and their logits.

        A place without a proposal has a zero box and `NO_SCORE`.
        """
        logits, deltas = self.rpn_head(op, feature_map)
        logits = finite_or_no_score(op, op.Cast(logits, to=ir.DataType.FLOAT))
        logits = op.Where(feature_map.grid.cells, logits, NO_SCORE)
        logits = op.Flatten(op.Transpose(logits, perm=[0, 2, 3, 1]), axis=1)
        scores, indices = top_k(op, logits, self.settings.pre_nms_topk)

        deltas = op.Reshape(
            op.Transpose(deltas, perm=[0, 2, 3, 1]), op.Concat(op.Shape(logits), [4], axis=0)
        )
        deltas = op.Cast(gather_rows(op, deltas, indices), to=ir.DataType.FLOAT)
        anchors = anchor_generator.anchors_at(op, indices, feature_map)
        boxes = apply_deltas(op, deltas, anchors, self.settings.bbox_reg_weights)
        finite = finite_boxes(op, boxes)
        boxes = clip_boxes(op, boxes, image_size)
        valid = op.And(op.And(is_score(op, scores), finite), _nonempty(op, boxes))
        boxes = op.Where(op.Unsqueeze(valid, [2]), boxes, 0.0)
        return boxes, op.Where(valid, scores, NO_SCORE)


def _stacked(op: Any, parts: Sequence[ir.Value], axis: int) -> ir.Value:
    return op.Concat(*parts, axis=axis) if len(parts) > 1 else parts[0]


def _nonempty(op: Any, boxes: ir.Value) -> ir.Value:
    x1, y1, x2, y2 = op.Split(boxes, axis=2, num_outputs=4, _outputs=4)
    return op.Squeeze(op.And(op.Greater(x2, x1), op.Greater(y2, y1)), [2])
