"""The heatmaps of each detection's points: detectron2's `KRCNNConvDeconvUpsampleHead`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import onnx_ir as ir
from onnxscript.nn import Module

from artifact.manifest import Tensor
from builder.config.rules import POSITIVE, integer, list_of, one_of
from builder.config.settings import group, setting
from builder.network.layers import Conv2d, ConvTranspose2d
from builder.network.operators.roi_pooler import POOLER_TYPES
from builder.network.precision import Precision


@dataclass(frozen=True)
class KeypointPoolerSettings:
    """How detections are pooled for their points."""

    resolution: int = setting("MODEL.ROI_KEYPOINT_HEAD.POOLER_RESOLUTION", 14, integer())
    pooler_type: str = setting(
        "MODEL.ROI_KEYPOINT_HEAD.POOLER_TYPE", "ROIAlignV2", one_of(*POOLER_TYPES)
    )
    sampling_ratio: int = setting(
        "MODEL.ROI_KEYPOINT_HEAD.POOLER_SAMPLING_RATIO", 0, integer(least=0)
    )


@dataclass(frozen=True)
class KRCNNConvDeconvUpsampleHeadSettings:
    """Those of `KRCNNConvDeconvUpsampleHead`."""

    pooler: KeypointPoolerSettings = group(KeypointPoolerSettings)
    num_keypoints: int = setting("MODEL.ROI_KEYPOINT_HEAD.NUM_KEYPOINTS", 17, integer())
    conv_dims: tuple[int, ...] = setting(
        "MODEL.ROI_KEYPOINT_HEAD.CONV_DIMS", (512,) * 8, list_of(integer())
    )
    """Channels of each 3×3 convolution before the transposed one."""
    oks_sigmas: tuple[float, ...] = setting("TEST.KEYPOINT_OKS_SIGMAS", (), list_of(POSITIVE))
    """How far each point may be off, for whoever evaluates; none for those of COCO's persons."""

    def __post_init__(self) -> None:
        if self.oks_sigmas and len(self.oks_sigmas) != self.num_keypoints:
            raise ValueError(
                f"TEST.KEYPOINT_OKS_SIGMAS are {len(self.oks_sigmas)} and "
                f"MODEL.ROI_KEYPOINT_HEAD.NUM_KEYPOINTS is {self.num_keypoints}; supported: one "
                "sigma for each point, or an empty list"
            )

    def outputs(self, places: int) -> tuple[Tensor, ...]:
        """The network's outputs that hold `Heatmaps` of so many places."""
        points, side = self.num_keypoints, 2 * self.pooler.resolution
        return (
            Tensor("keypoint_logits", "FP32", (-1, places, points, side, side)),
            Tensor("keypoint_normalizers", "FP32", (-1, places, points)),
        )

    def build(self, channels: int, precision: Precision) -> KRCNNConvDeconvUpsampleHead:
        """The module, for maps with `channels` channels."""
        return KRCNNConvDeconvUpsampleHead(self, channels, precision)


class Heatmaps(NamedTuple):
    """Of the points of detections, [N, D] of a batch in its places or T one after the other.

    detectron2's heatmaps are twice as large, by bilinear interpolation. Their largest place can be
    found without making them; what takes all of their values is the sum that a score is divided by.
    """

    keypoint_logits: ir.Value
    """FP32 […, K, side, side]."""
    keypoint_normalizers: ir.Value
    """FP32 […, K], the logarithm of the sum of exp over detectron2's heatmap."""


class KRCNNConvDeconvUpsampleHead(Module):
    """3×3 convolutions, then a transposed one to a map for each point."""

    def __init__(
        self, settings: KRCNNConvDeconvUpsampleHeadSettings, channels: int, precision: Precision
    ) -> None:
        super().__init__()
        self.settings = settings
        for number, conv_dim in enumerate(settings.conv_dims, 1):
            conv = Conv2d(channels, conv_dim, 3, precision.dtype, padding=1)
            setattr(self, f"conv_fcn{number}", conv)
            channels = conv_dim
        self.score_lowres = ConvTranspose2d(
            channels, settings.num_keypoints, 4, precision.dtype, stride=2, padding=1
        )

    def forward(self, op: Any, features: ir.Value) -> Heatmaps:
        """Heatmaps of T detections from their maps [T, channels, side / 2, side / 2]."""
        for number in range(1, len(self.settings.conv_dims) + 1):
            features = op.Relu(getattr(self, f"conv_fcn{number}")(op, features))
        logits = op.Cast(self.score_lowres(op, features), to=ir.DataType.FLOAT)
        heatmaps = op.Resize(
            logits,
            None,
            [1.0, 1.0, 2.0, 2.0],
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )
        # Not ReduceLogSumExp: TensorRT's is log(sum(exp)), which overflows.
        largest = op.ReduceMax(heatmaps, [2, 3], keepdims=1)
        total = op.ReduceSum(op.Exp(op.Sub(heatmaps, largest)), [2, 3], keepdims=1)
        normalizers = op.Squeeze(op.Add(op.Log(total), largest), [2, 3])
        return Heatmaps(logits, normalizers)
