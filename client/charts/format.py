"""Numbers as the page shows them: three digits, more would be noise."""

from __future__ import annotations


def rate(pictures_per_second: float) -> str:
    return _three_digits(pictures_per_second)


def milliseconds(value: float) -> str:
    return _three_digits(value)


def percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.095 or share == 0 else f"{100 * share:.1f} %"


def points(value: float | None) -> str:
    """Percentage points, of average precision say; a dash for none."""
    return "–" if value is None else f"{value:.1f}"


def difference(value: float | None) -> str:
    """Of percentage points, with its sign; a dash for none."""
    if value is None:
        return "–"
    return "0.00" if abs(value) < 0.005 else f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


def ratio(value: float) -> str:
    return f"{_three_digits(value)} ×"


def _three_digits(value: float) -> str:
    size = abs(value)
    decimals = 0 if size >= 100 else 1 if size >= 10 else 2
    return f"{value:,.{decimals}f}"
