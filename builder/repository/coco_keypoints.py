"""The 17 points of COCO's persons, and how far each may be off."""

from __future__ import annotations

from collections.abc import Sequence

COCO_KEYPOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder",
    "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee",
    "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip
"""`keypoints` of the category in COCO 2017's person_keypoints annotations."""

COCO_SKELETON = (
    (16, 14), (14, 12), (17, 15), (15, 13), (12, 13), (6, 12), (7, 13), (6, 7), (6, 8), (7, 9),
    (8, 10), (9, 11), (2, 3), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7),
)  # fmt: skip
"""Its `skeleton`: pairs of points, counted from 1."""

_COCO_OKS_SIGMAS = (
    0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107,
    0.087, 0.087, 0.089, 0.089,
)  # fmt: skip


def oks_sigmas(num_keypoints: int, configured: Sequence[float]) -> tuple[float, ...]:
    """The sigmas of object keypoint similarity, which evaluation of the points takes.

    Args:
        num_keypoints: points of an object.
        configured: detectron2's TEST.KEYPOINT_OKS_SIGMAS.

    Returns:
        `configured`, or COCO's (pycocotools, `Params.kpt_oks_sigmas`) for as many points; none
        where neither is known.
    """
    if not configured and num_keypoints == len(_COCO_OKS_SIGMAS):
        return _COCO_OKS_SIGMAS
    return tuple(configured)
