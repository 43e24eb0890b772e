"""How far two right answers may be apart, by the precision of the network.

Two runtimes, two GPUs, or two batch sizes on one of them add up the same numbers in another order.
What that does was measured on the demo's 64 pictures: docs/check.md has the figures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from client.check.configuration import on_cpu


@dataclass(frozen=True)
class Tolerance:
    """What a detection of one answer may differ by from that of another."""

    score: float
    box: float
    """The least overlap of the boxes, as IoU."""
    mask: float
    """The largest share of the pixels of either mask that may be in one of them alone; two pixels
    in any case."""
    point: float
    """The largest distance between points, in pixels of the picture; of ten points one may be
    farther away, where a heatmap has two peaks of nearly one height."""
    astray: float
    """The share of detections that may have no counterpart: where two overlap as much as NMS
    allows, or scores are close, rounding decides which stays."""
    sure: float
    """The score from which a detection has to have one even so."""
    distance: float
    """The largest `client.check.compare.distance` of the answers as a whole: what is left to go by
    where each detection has so much room that those of another network would do."""


TOLERANCES = {
    # The bounds within which tests hold the served answers against detectron2's.
    "fp32": Tolerance(
        score=1e-4, box=0.998, mask=0.01, point=0.05, astray=0.0, sure=0.0, distance=1.0
    ),
    "fp16": Tolerance(
        score=0.02, box=0.98, mask=0.05, point=1.0, astray=0.1, sure=0.5, distance=1.0
    ),
    "int8": Tolerance(
        score=0.2, box=0.8, mask=0.3, point=3.0, astray=0.25, sure=math.inf, distance=0.33
    ),
}
"""By precision, the finest first."""


def coarser(one: str, other: str) -> str:
    """Of two precisions the one that allows more."""
    return max(one, other, key=list(TOLERANCES).index)


def served_precision(built: str, network: Mapping[str, Any]) -> str:
    """The precision in which a served network computes.

    Args:
        built: that of its build.
        network: its configuration in Triton.
    """
    if built == "fp32" and network.get("backend") == "python" and not on_cpu(network):
        # ONNX Runtime multiplies fp32 in TF32 there, which has fp16's digits (CUDA's use_tf32).
        return "fp16"
    return built
