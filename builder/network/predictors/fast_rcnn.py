"""Classes and boxes of RoIs: detectron2's `FastRCNNOutputLayers`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import onnx_ir as ir
from onnxscript.nn import Module

from artifact.manifest import Tensor
from builder.config.rules import FRACTION, POSITIVE, boolean, exactly, integer, numbers
from builder.config.settings import setting
from builder.network.layers import Linear
from builder.network.operators.batched_nms import Candidates, batched_nms
from builder.network.operators.box_regression import apply_deltas, clip_boxes, finite_boxes
from builder.network.operators.top_k import NO_SCORE, gather_rows, is_score
from builder.network.precision import Precision
from builder.network.structures import Detections, Proposals


@dataclass(frozen=True)
class FastRCNNOutputLayersSettings:
    """Those of `FastRCNNOutputLayers`."""

    num_classes: int = setting("MODEL.ROI_HEADS.NUM_CLASSES", 80, integer())
    """Foreground classes, background not counted."""
    score_thresh: float = setting("MODEL.ROI_HEADS.SCORE_THRESH_TEST", 0.05, FRACTION)
    """Only a class probability above it is a detection."""
    nms_thresh: float = setting("MODEL.ROI_HEADS.NMS_THRESH_TEST", 0.5, FRACTION)
    """Intersection over union above which a detection of the same class is suppressed."""
    bbox_reg_weights: tuple[float, float, float, float] = setting(
        "MODEL.ROI_BOX_HEAD.BBOX_REG_WEIGHTS", (10.0, 10.0, 5.0, 5.0), numbers(4, POSITIVE)
    )
    """Divisors of (dx, dy, dw, dh)."""
    cls_agnostic_bbox_reg: bool = setting(
        "MODEL.ROI_BOX_HEAD.CLS_AGNOSTIC_BBOX_REG", False, boolean()
    )
    """Whether there is one box for all classes."""
    use_sigmoid_ce: bool = setting(
        "MODEL.ROI_BOX_HEAD.USE_SIGMOID_CE",
        False,
        exactly(False, because="scores are a softmax over classes"),
    )
    use_fed_loss: bool = setting(
        "MODEL.ROI_BOX_HEAD.USE_FED_LOSS",
        False,
        exactly(False, because="scores are a softmax over classes"),
    )
    detections_per_image: int = setting("TEST.DETECTIONS_PER_IMAGE", 100, integer())
    """Most detections of a picture, over all classes."""

    def outputs(self) -> tuple[Tensor, ...]:
        """The network's outputs that hold `Detections`."""
        places = self.detections_per_image
        return (
            Tensor("num_detections", "INT32", (-1, 1)),
            Tensor("boxes", "FP32", (-1, places, 4)),
            Tensor("scores", "FP32", (-1, places)),
            Tensor("classes", "INT32", (-1, places)),
        )


@dataclass(frozen=True)
class Predictions:
    """Of the RoIs of a batch."""

    logits: ir.Value
    """FP32 [N · R, classes + 1], the background last."""
    deltas: ir.Value
    """[N · R, 4 · classes], of the network's own type; [N · R, 4] where they know no classes."""


class FastRCNNOutputLayers(Module):
    """Class scores and box deltas of a RoI, and the choice of detections among them."""

    def __init__(
        self,
        settings: FastRCNNOutputLayersSettings,
        channels: int,
        most_proposals: int,
        precision: Precision,
    ) -> None:
        """
        Args:
            channels: of a RoI's features.
            most_proposals: places for the proposals of a picture.
        """
        super().__init__()
        self.settings = settings
        self.dtype = precision.dtype
        self.candidates = most_proposals * settings.num_classes
        self.cls_score = Linear(channels, settings.num_classes + 1, self.dtype)
        self.boxes = 1 if settings.cls_agnostic_bbox_reg else settings.num_classes
        self.bbox_pred = Linear(channels, 4 * self.boxes, self.dtype)

    def forward(self, op: Any, features: ir.Value) -> Predictions:
        """Predictions from the features [N · R, channels] of RoIs."""
        logits = op.Cast(self.cls_score(op, features), to=ir.DataType.FLOAT)
        return Predictions(logits, self.bbox_pred(op, features))

    def predict_probs(self, op: Any, predictions: Predictions, proposals: Proposals) -> ir.Value:
        """The probability of each class but the background, FP32 [N, R, classes]."""
        classes = self.settings.num_classes
        probs = op.Slice(op.Softmax(predictions.logits, axis=1), [0], [classes], [1])
        return op.Reshape(probs, op.Concat(op.Shape(proposals.exists), [classes], axis=0))

    def predict_boxes(
        self, op: Any, predictions: Predictions, proposals: Proposals, pairs: ir.Value
    ) -> ir.Value:
        """The boxes that are predicted for some (RoI, class) pairs, not clipped.

        Args:
            pairs: INT64 [N, K], RoI · classes + class.

        Returns:
            FP32 [N, K, 4], xyxy in pixels of the canvas.
        """
        classes = self.settings.num_classes
        roi = op.Div(pairs, classes)
        # (N, R · boxes, 4): the deltas of a RoI's boxes lie side by side.
        batch, rois = (op.Shape(proposals.exists, start=axis, end=axis + 1) for axis in (0, 1))
        shape = op.Concat(batch, op.Mul(rois, [self.boxes]), [4], axis=0)
        deltas = op.Reshape(predictions.deltas, shape)
        deltas = gather_rows(op, deltas, pairs if self.boxes > 1 or classes == 1 else roi)
        deltas = op.Cast(deltas, to=ir.DataType.FLOAT)
        boxes = gather_rows(op, proposals.boxes, roi)
        return apply_deltas(op, deltas, boxes, self.settings.bbox_reg_weights)

    def refine(
        self, op: Any, predictions: Predictions, proposals: Proposals, image_size: ir.Value
    ) -> Proposals:
        """The proposals moved to where they are predicted, for boxes that know no classes.

        Args:
            image_size: FP32 [N, 2], height and width of each picture in pixels.
        """
        deltas = op.Reshape(predictions.deltas, op.Shape(proposals.boxes))
        deltas = op.Cast(deltas, to=ir.DataType.FLOAT)
        boxes = apply_deltas(op, deltas, proposals.boxes, self.settings.bbox_reg_weights)
        boxes = clip_boxes(op, boxes, image_size)
        exists = op.Unsqueeze(proposals.exists, [2])
        return Proposals(op.Where(exists, boxes, 0.0), proposals.exists)

    def inference(
        self,
        op: Any,
        probs: ir.Value,
        predictions: Predictions,
        proposals: Proposals,
        image_size: ir.Value,
    ) -> Detections:
        """The best detections: detectron2's `fast_rcnn_inference`.

        Args:
            probs: FP32 [N, R, classes], see `predict_probs`.
            image_size: FP32 [N, 2], height and width of each picture in pixels.
        """
        settings = self.settings
        passes = op.And(
            op.Greater(probs, settings.score_thresh), op.Unsqueeze(proposals.exists, [2])
        )

        def candidates_at(op: Any, pairs: ir.Value) -> Candidates:
            boxes = self.predict_boxes(op, predictions, proposals, pairs)
            classes = op.Mod(pairs, settings.num_classes)
            return Candidates(clip_boxes(op, boxes, image_size), classes, finite_boxes(op, boxes))

        found = batched_nms(
            op,
            op.Flatten(op.Where(passes, probs, NO_SCORE), axis=1),
            candidates_at,
            count=self.candidates,
            places=settings.detections_per_image,
            iou_threshold=settings.nms_thresh,
            dtype=self.dtype,
        )
        exists = is_score(op, found.scores)
        exist = op.Cast(exists, to=ir.DataType.INT32)
        return Detections(
            num_detections=op.ReduceSum(exist, [1], keepdims=1),
            boxes=found.boxes,
            scores=op.Where(exists, found.scores, 0.0),
            classes=op.Mul(op.Cast(found.categories, to=ir.DataType.INT32), exist),
        )
