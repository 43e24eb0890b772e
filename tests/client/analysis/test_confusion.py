from __future__ import annotations

from pathlib import Path

from client.analysis.confusion import NOTHING, confusion
from tests.client.analysis.pictures import annotation, detection, matched

ONE, TWO, THREE, NOWHERE = ((x, 100, 40, 40) for x in (10, 100, 200, 300))


def test_objects_are_found_as_what_they_are_as_another_or_not_at_all(tmp_path: Path) -> None:
    objects = [annotation(1, ONE), annotation(1, TWO), annotation(2, THREE)]
    found = [detection(1, ONE, 0.9), detection(3, TWO, 0.8), detection(2, NOWHERE, 0.7)]

    counted = confusion(matched(tmp_path, [(objects, found)]), least_score=0.5)

    assert dict(counted.counts) == {(1, 1): 1, (1, 3): 1, (2, NOTHING): 1, (NOTHING, 2): 1}
    assert dict(counted.mistakes) == {1: 1, 3: 1}


def test_low_scores_find_nothing(tmp_path: Path) -> None:
    matches = matched(tmp_path, [([annotation(1, ONE)], [detection(1, ONE, 0.4)])])

    assert dict(confusion(matches, least_score=0.5).counts) == {(1, NOTHING): 1}
    assert dict(confusion(matches, least_score=0.4).counts) == {(1, 1): 1}


def test_an_object_is_found_once_and_rather_as_what_it_is(tmp_path: Path) -> None:
    found = [detection(2, ONE, 0.9), detection(1, ONE, 0.6)]
    matches = matched(tmp_path, [([annotation(1, ONE)], found)])

    assert dict(confusion(matches, least_score=0.5).counts) == {(1, 1): 1, (NOTHING, 2): 1}
