"""Dots on a logarithmic scale, made of HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Dot:
    """A value on a logarithmic scale."""

    label: str
    detail: str
    value: float
    text: str
    style: str


def dot_rows(dots: Sequence[Dot]) -> str:
    """Dots, each on a row of its own, on one logarithmic scale with whole decades at its ends."""
    low = math.floor(math.log10(min(dot.value for dot in dots)))
    high = max(math.ceil(math.log10(max(dot.value for dot in dots))), low + 1)

    def place(value: float) -> float:
        return 100 * (math.log10(value) - low) / (high - low)

    ticks = "".join(
        f'<b style="left:{place(10.0**power):.2f}%">{10.0**power:,g}</b>'
        for power in range(low, high + 1)
    )
    lines = "".join(
        f'<s style="left:{place(10.0**power):.2f}%"></s>' for power in range(low, high + 1)
    )
    rows = []
    for dot in dots:
        side = "before" if place(dot.value) > 70 else "after"
        rows.append(
            f'<div class="row {dot.style}"><span class="label">{escape(dot.label)}'
            f"<small>{escape(dot.detail)}</small></span>"
            f'<div class="track">{lines}<u class="{side}" style="left:{place(dot.value):.2f}%">'
            f"<em>{escape(dot.text)}</em></u></div></div>"
        )
    scale = (
        f'<div class="row scale"><span class="label"></span><div class="track">{ticks}</div></div>'
    )
    return f'<div class="dots">{"".join(rows)}{scale}</div>'
