from __future__ import annotations

import re

import pytest
from threshold import ParameterError, score_threshold


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("", 0.0),
        ("{}", 0.0),
        ('{"priority": 3}', 0.0),
        ('{"score_threshold": 0.5}', 0.5),
        ('{"score_threshold": 0}', 0.0),
        ('{"score_threshold": 1}', 1.0),
    ],
)
def test_the_threshold_is_the_clients_or_zero(parameters: str, expected: float) -> None:
    assert score_threshold(parameters) == expected


@pytest.mark.parametrize("value", ["-0.1", "1.1", "NaN", "Infinity", "true", "null", '"0.5"', "[]"])
def test_another_value_is_refused_by_name_with_what_is_expected(value: str) -> None:
    expected = re.escape("; expected a number from 0 to 1")
    with pytest.raises(ParameterError, match=f"^request parameter score_threshold is .*{expected}"):
        score_threshold(f'{{"score_threshold": {value}}}')
