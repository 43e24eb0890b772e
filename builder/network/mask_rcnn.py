"""The whole network, from a canvas of bytes to detections: detectron2's `GeneralizedRCNN`."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from onnxscript.nn import Module

from builder.config import ModelConfig
from builder.network.backbone import ResNet
from builder.network.padding import picture_cells
from builder.network.proposal_generator import RPN
from builder.network.roi_heads import Res5ROIHeads


class GeneralizedRCNN(Module):
    """Mask R-CNN C4, or Faster R-CNN C4 where MASK_ON is False.

    `int8` makes it ready for layers to be quantized; the numbers are the same.
    """

    def __init__(self, config: ModelConfig, dtype: ir.DataType, int8: bool = False) -> None:
        super().__init__()
        self.config = config
        self.dtype = dtype
        res4_channels = 4 * config.res2_out_channels
        self.backbone = ResNet(config, dtype)
        self.proposal_generator = RPN(config, res4_channels, dtype)
        self.roi_heads = Res5ROIHeads(config, res4_channels, dtype, int8)

    def forward(self, op: Any, canvas: ir.Value, image_size: ir.Value) -> dict[str, ir.Value]:
        """The named outputs.

        Args:
            canvas: UINT8 [N, H, W, 3], BGR, each picture at the top left.
            image_size: INT32 [N, 2], height and width of each picture in pixels.

        Returns:
            num_detections INT32 [N, 1]; boxes FP32 [N, D, 4], xyxy in pixels of the canvas; scores
            FP32 [N, D]; classes INT32 [N, D]; mask_probs FP32 [N, D, m, m] with MASK_ON. Best
            first, zeros past num_detections.
        """
        image_size = op.Cast(image_size, to=ir.DataType.FLOAT)
        pixels = self.normalize(op, canvas, image_size)
        features, cells = self.backbone(op, pixels, image_size)
        proposals = self.proposal_generator(op, features, cells, image_size)
        detections, mask_probs = self.roi_heads(op, features, proposals, image_size)
        outputs = detections._asdict()
        if mask_probs is not None:
            outputs["mask_probs"] = mask_probs
        return outputs

    def normalize(self, op: Any, canvas: ir.Value, image_size: ir.Value) -> ir.Value:
        """Pixels less their mean over their deviation, zero in the padding: [N, 3, H, W]."""
        mean, std = (
            np.asarray(v, np.float32) for v in (self.config.pixel_mean, self.config.pixel_std)
        )
        pixels = op.Sub(
            op.Cast(canvas, to=ir.DataType.FLOAT),
            op.initializer(ir.tensor(mean, name="pixel_mean")),
        )
        if not np.all(std == 1):
            pixels = op.Div(pixels, op.initializer(ir.tensor(std, name="pixel_std")))
        pixels = op.Transpose(pixels, perm=[0, 3, 1, 2])
        inside = picture_cells(op, pixels, image_size, stride=1)
        return op.Cast(op.Where(inside, pixels, 0.0), to=self.dtype)
