from __future__ import annotations

import pytest

from client.charts import format


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0123, "0.01"), (1.234, "1.23"), (12.34, "12.3"), (123.4, "123"), (12345.6, "12,346")],
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert format.rate(value) == text
