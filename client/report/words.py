"""What the page calls things."""

from __future__ import annotations

from client.analysis.error_kinds import BKG, BOTH, CLS, DUP, LOC, MISS

KIND_NAMES = {"bbox": "box", "segm": "mask", "keypoints": "keypoint"}
"""Of what average precision is of."""

ERROR_NAMES = {
    CLS: "wrong category",
    LOC: "badly placed",
    BOTH: "badly placed, wrong category",
    DUP: "found twice",
    BKG: "nothing there",
    MISS: "missed",
}
"""Of a detection, the last of an object."""

COST_NAMES = {
    CLS: "wrong categories",
    LOC: "badly placed boxes",
    BOTH: "boxes that are badly placed and of the wrong category",
    DUP: "objects found twice",
    BKG: "detections where there is nothing",
    MISS: "missed objects",
}
"""What costs average precision."""


def counted(count: int, one: str, many: str = "") -> str:
    """A number of things: "1 picture", "2,000 pictures"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def joined(parts: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
