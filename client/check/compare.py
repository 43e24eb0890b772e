"""Whether two answers to a picture are the same but for rounding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from artifact.reference import ReferenceDetection
from client import rle
from client.check.tolerance import Tolerance

Answer = Sequence[ReferenceDetection]
"""The detections of a picture, the best first."""
Size = tuple[int, int]
"""Height and width of the picture, in pixels."""

BEST = 20
"""Detections by which answers are compared as a whole."""


def differences(
    found: Answer,
    expected: Answer,
    size: Size,
    tolerance: Tolerance,
    *,
    score_threshold: float,
    names: tuple[str, str] = ("here", "expected"),
) -> list[str]:
    """What sets two answers apart, a line for each detection that does; none where they agree.

    Each detection has to have a counterpart of its own: of the same category, at the same place,
    with the same score, mask and points. The order is free: near ties may swap.

    Args:
        found, expected: the answers.
        size: of the picture.
        tolerance: how far counterparts may be apart.
        score_threshold: below it there are no detections, so that one near it need not be in both.
        names: what the lines call the two answers.
    """
    least = score_threshold + tolerance.score
    lines: list[str] = []
    count = astray = 0
    for one, other, (here, there) in (
        (expected, found, names[::-1]),
        (found, expected, names),
    ):
        left = list(other)
        for detection in one:
            partner = _partner(detection, left, size, tolerance)
            if partner is not None:
                left.remove(partner)
            if detection.score <= least:
                continue
            count += 1
            if partner is None:
                astray += detection.score < tolerance.sure
                nearest = max(left, key=lambda d: _nearness(d, detection), default=None)
                lines.append(_words(detection, nearest, size, here, there))
    if len(lines) == astray and astray <= tolerance.astray * count:
        lines.clear()
    as_a_whole = distance(found, expected[:BEST])
    if as_a_whole > tolerance.distance:
        lines.append(f"as a whole the answers are {as_a_whole:.2f} apart, of 1")
    return lines


def distance(found: Answer, expected: Answer) -> float:
    """How far an answer is from the expected one: 0 for the same, 1 if nothing is found again.

    The mean, over what is expected, of what the overlap with the likest one found lacks to 1, with
    the difference of their scores.
    """
    likest = (
        max(
            (
                box_iou(one.box, other.box) - abs(one.score - other.score)
                for other in found
                if one.category_id == other.category_id
            ),
            default=0.0,
        )
        for one in expected
    )
    return float(np.mean([1 - max(value, 0.0) for value in likest])) if expected else 0.0


def _partner(
    detection: ReferenceDetection, others: Answer, size: Size, tolerance: Tolerance
) -> ReferenceDetection | None:
    """The one of others that is most like it, of those that are alike enough."""
    alike = [other for other in others if _alike(detection, other, size, tolerance)]
    return min(alike, key=lambda other: abs(other.score - detection.score), default=None)


def _alike(
    one: ReferenceDetection, other: ReferenceDetection, size: Size, tolerance: Tolerance
) -> bool:
    return (
        one.category_id == other.category_id
        and abs(one.score - other.score) <= tolerance.score
        and box_iou(one.box, other.box) >= tolerance.box
        and _same_masks(one.mask, other.mask, size, tolerance)
        and _point_distance(one, other) <= tolerance.point
    )


def _same_masks(one: str | None, other: str | None, size: Size, tolerance: Tolerance) -> bool:
    if one is None or other is None:
        return one is other
    if one == other:
        return True
    apart, union = mask_difference(one, other, size)
    return apart <= max(2, tolerance.mask * union)


def box_iou(one: Sequence[float], other: Sequence[float]) -> float:
    """Overlap of two boxes x1, y1, x2, y2 over what they cover together."""
    a, b = np.asarray(one), np.asarray(other)
    common = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    covered = float((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - common)
    return float(common) / covered if covered > 0 else 0.0


def mask_difference(one: str, other: str, size: Size) -> tuple[int, int]:
    """How many pixels are in one of two masks alone, and how many in any.

    Raises:
        ValueError: a mask is none of a picture of this size.
    """
    a, b = (rle.decode(counts.encode("ascii"), *size) for counts in (one, other))
    return int((a ^ b).sum()), int((a | b).sum())


def _point_distance(one: ReferenceDetection, other: ReferenceDetection) -> float:
    """Between the points that are farthest apart, but for one of each ten."""
    if one.keypoints is None or other.keypoints is None:
        return 0.0 if one.keypoints is other.keypoints else np.inf
    a, b = (np.asarray(each.keypoints)[:, :2] for each in (one, other))
    if a.shape != b.shape:
        return np.inf
    distances = np.sort(np.linalg.norm(a - b, axis=1))
    return float(distances[-1 - len(distances) // 10])


def _nearness(other: ReferenceDetection, detection: ReferenceDetection) -> tuple[bool, float]:
    return (other.category_id == detection.category_id, box_iou(other.box, detection.box))


def _words(
    detection: ReferenceDetection,
    nearest: ReferenceDetection | None,
    size: Size,
    here: str,
    there: str,
) -> str:
    x1, y1, x2, y2 = detection.box
    what = (
        f"category {detection.category_id} at {x1:.0f},{y1:.0f} to {x2:.0f},{y2:.0f}, score "
        f"{detection.score:.4f}, {here}"
    )
    if nearest is None or _nearness(nearest, detection) < (True, 0.5):
        return f"{what}; not {there}"
    apart = [f"score {nearest.score:.4f}"]
    if (overlap := box_iou(nearest.box, detection.box)) < 0.9995:
        apart.append(f"box overlap {overlap:.3f}")
    if detection.mask is not None and nearest.mask is not None:
        pixels, union = mask_difference(detection.mask, nearest.mask, size)
        if pixels:
            apart.append(f"{pixels} of {union} mask pixels differ")
    if distance := _point_distance(detection, nearest):
        apart.append(f"a point {distance:.2f} pixels away")
    return f"{what}; {there} {', '.join(apart)}"
