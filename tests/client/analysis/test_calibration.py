from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from client.analysis.calibration import ScoreBin, calibration
from tests.client.analysis.pictures import annotation, detection, matched

ONE, TWO, NOWHERE = ((x, 100, 40, 40) for x in (10, 100, 300))


def test_scores_are_held_against_how_often_they_are_right(tmp_path: Path) -> None:
    found = [detection(1, ONE, 0.96), detection(1, NOWHERE, 0.98), detection(1, TWO, 0.32)]
    matches = matched(tmp_path, [([annotation(1, ONE), annotation(1, TWO)], found)])

    made = calibration(matches)

    assert made is not None
    assert made.bins == (ScoreBin(1, 0.32, 1.0), ScoreBin(2, (0.96 + 0.98) / 2, 0.5))
    assert made.expected_error == pytest.approx((0.68 + 2 * 0.47) / 3)


def test_a_threshold_keeps_what_has_that_score_or_more(tmp_path: Path) -> None:
    found = [detection(1, ONE, 0.9), detection(1, TWO, 0.5), detection(1, NOWHERE, 0.25)]
    matches = matched(tmp_path, [([annotation(1, ONE), annotation(1, TWO)], found)])

    made = calibration(matches)

    assert made is not None
    at = {place: (made.precision[place], made.recall[place]) for place in (0, 25, 26, 50, 51, 90)}
    assert at == {
        0: (pytest.approx(2 / 3), 1.0), 25: (pytest.approx(2 / 3), 1.0), 26: (1.0, 1.0),
        50: (1.0, 1.0), 51: (1.0, 0.5), 90: (1.0, 0.5),
    }  # fmt: skip
    assert np.isnan(made.precision[91])
    assert made.best_threshold == pytest.approx(0.26)


@pytest.mark.parametrize(
    "picture", [([], []), ([annotation(1, ONE)], []), ([], [detection(1, ONE, 0.9)])]
)
def test_of_nothing_there_is_none(
    tmp_path: Path, picture: tuple[list[dict[str, object]], list[dict[str, object]]]
) -> None:
    assert calibration(matched(tmp_path, [picture])) is None


def test_scores_beyond_what_scores_can_be_are_in_the_last_bins(tmp_path: Path) -> None:
    found = [detection(1, ONE, 1e300), detection(1, TWO, -1e300)]
    matches = matched(tmp_path, [([annotation(1, ONE)], found)])

    made = calibration(matches)

    assert made is not None
    assert [each.count for each in made.bins] == [1, 1]
