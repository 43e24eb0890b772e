from __future__ import annotations

from pathlib import Path

from client.analysis.matching import NONE
from tests.client.analysis.pictures import annotation, detection, matched

HERE, NEAR, FAR = (100, 100, 40, 40), (105, 100, 40, 40), (300, 200, 40, 40)


def test_the_best_score_takes_the_object_and_a_second_is_wrong(tmp_path: Path) -> None:
    (match,) = matched(
        tmp_path, [([annotation(1, HERE)], [detection(1, HERE, 0.6), detection(1, NEAR, 0.9)])]
    )

    assert match.scores.tolist() == [0.9, 0.6]
    assert match.object_of.tolist() == [0, NONE]
    assert match.is_wrong.tolist() == [False, True]
    assert match.found_as.tolist() == [0]


def test_each_takes_the_nearest_object_of_its_category_that_is_free(tmp_path: Path) -> None:
    (match,) = matched(
        tmp_path,
        [
            (
                [annotation(1, NEAR), annotation(1, HERE), annotation(2, HERE)],
                [detection(1, HERE, 0.9), detection(1, HERE, 0.8), detection(2, FAR, 0.7)],
            )
        ],
    )

    assert match.object_of.tolist() == [1, 0, NONE]
    assert match.found_as.tolist() == [1, 0, NONE]


def test_what_lies_in_a_crowd_of_its_category_counts_neither_way(tmp_path: Path) -> None:
    crowd = annotation(1, (0, 0, 200, 200), iscrowd=1)
    found = [detection(1, HERE, 0.9), detection(2, HERE, 0.8), detection(1, FAR, 0.7)]

    (match,) = matched(tmp_path, [([crowd], found)])

    assert len(match.objects) == 0
    assert match.is_ignored.tolist() == [True, False, False]
    assert match.is_wrong.tolist() == [False, True, True]


def test_of_lvis_only_what_is_known_of_the_picture_counts(tmp_path: Path) -> None:
    found = [detection(1, FAR, 0.9), detection(2, FAR, 0.8), detection(3, FAR, 0.7)]
    said = {"neg_category_ids": [2], "not_exhaustive_category_ids": [1]}

    (match,) = matched(tmp_path, [([annotation(1, HERE)], found)], said)

    assert match.found_ids.tolist() == [1, 2]
    assert match.is_ignored.tolist() == [True, False]
