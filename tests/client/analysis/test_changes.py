from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from client.analysis.changes import APPEARED, CATEGORY, MOVED, SCORE, VANISHED, Changes, changes
from tests.client.analysis.pictures import Box, detection, matched

HERE: Box = (100, 100, 40, 40)
NEAR: Box = (103, 100, 40, 40)  # IoU 37 / 43
ELSEWHERE: Box = (300, 200, 40, 40)


def between(folder: Path, before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Changes:
    return changes(matched(folder, [([], before)]), matched(folder, [([], after)]), 0.5)


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (detection(1, HERE, 0.9), detection(1, HERE, 0.9), ""),
        (detection(1, HERE, 0.9), detection(1, HERE, 0.86), ""),
        (detection(1, HERE, 0.9), detection(1, HERE, 0.84), SCORE),
        (detection(1, HERE, 0.9), detection(1, NEAR, 0.9), MOVED),
        (detection(1, HERE, 0.9), detection(2, HERE, 0.9), CATEGORY),
        (detection(1, HERE, 0.9), None, VANISHED),
        (None, detection(1, HERE, 0.9), APPEARED),
    ],
)
def test_what_became_of_a_detection(
    tmp_path: Path, before: dict[str, Any] | None, after: dict[str, Any] | None, kind: str
) -> None:
    found = between(tmp_path, [before] if before else [], [after] if after else [])

    assert [pair.kind for pair in found.pairs] == [kind]


def test_a_box_elsewhere_is_another_detection(tmp_path: Path) -> None:
    found = between(tmp_path, [detection(1, HERE, 0.9)], [detection(1, ELSEWHERE, 0.8)])

    assert [pair.kind for pair in found.changed] == [VANISHED, APPEARED]


def test_the_same_category_is_paired_before_a_nearer_box_of_another(tmp_path: Path) -> None:
    found = between(
        tmp_path,
        [detection(1, HERE, 0.9)],
        [detection(2, HERE, 0.9), detection(1, (101, 100, 40, 40), 0.9)],
    )

    assert sorted(pair.kind for pair in found.pairs) == ["", APPEARED]


def test_what_nobody_looks_at_in_either_is_left_out(tmp_path: Path) -> None:
    low = [detection(1, HERE, 0.3), detection(1, ELSEWHERE, 0.2)]
    found = between(tmp_path, low, [detection(1, HERE, 0.6)])

    assert [(pair.kind, pair.scores) for pair in found.pairs] == [(SCORE, (0.3, 0.6))]


def test_the_largest_change_is_the_first(tmp_path: Path) -> None:
    places: list[Box] = [(60 * n, 100, 40, 40) for n in range(4)]
    before = [detection(1, place, 0.9) for place in places[:3]]
    after = [detection(1, places[0], 0.8), detection(2, places[1], 0.7)]
    after.append(detection(1, places[3], 0.6))

    found = between(tmp_path, before, after)

    assert [pair.kind for pair in found.changed] == [CATEGORY, VANISHED, APPEARED, SCORE]
    assert [pair.kind for pair in found.kept] == [SCORE]
