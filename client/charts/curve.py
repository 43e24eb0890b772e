"""A line chart as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 460, 300
LEFT, RIGHT, TOP, BOTTOM = 68, 22, 14, 44


@dataclass(frozen=True)
class Point:
    x: float
    y: float
    label: str = ""
    """Written beside it."""
    hollow: bool = False


@dataclass(frozen=True)
class Line:
    name: str
    style: str
    """A class of the page's style that gives it its colour."""
    points: Sequence[Point]
    has_dots: bool = True
    """At its points."""


def line_chart(lines: Sequence[Line], x_title: str, y_title: str, *, least_end: float = 0.0) -> str:
    """Lines on axes that begin at zero.

    Args:
        lines: at least one, with at least one point.
        x_title, y_title: the axes' names with their units.
        least_end: how far both axes go, however small the values are.
    """
    x_ticks = _ticks(max(least_end, *(point.x for line in lines for point in line.points)))
    y_ticks = _ticks(max(least_end, *(point.y for line in lines for point in line.points)))

    def x(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * value / x_ticks[-1]

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / y_ticks[-1]

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(y_title)}">']
    for tick in y_ticks:
        parts.append(
            f'<path class="grid" d="M{LEFT} {y(tick):.1f}H{WIDTH - RIGHT}"/>'
            f'<text class="end" x="{LEFT - 8}" y="{y(tick) + 4:.1f}">{tick:,g}</text>'
        )
    for tick in x_ticks:
        parts.append(
            f'<path class="tick" d="M{x(tick):.1f} {HEIGHT - BOTTOM}v5"/>'
            f'<text class="middle" x="{x(tick):.1f}" y="{HEIGHT - BOTTOM + 19}">{tick:,g}</text>'
        )
    for line in lines:
        path = "L".join(f"{x(point.x):.1f} {y(point.y):.1f}" for point in line.points)
        parts.append(f'<path class="line {line.style}" d="M{path}"/>')
        for point in line.points if line.has_dots else ():
            hollow = " hollow" if point.hollow else ""
            parts.append(
                f'<circle class="{line.style}{hollow}" cx="{x(point.x):.1f}" '
                f'cy="{y(point.y):.1f}" r="3.5"><title>{escape(line.name)}: {point.y:,.4g}'
                "</title></circle>"
            )
            if point.label:
                parts.append(
                    f'<text class="point" x="{x(point.x) + 5:.1f}" y="{y(point.y) + 15:.1f}">'
                    f"{escape(point.label)}</text>"
                )
    parts.append(
        f'<text class="middle" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}">'
        f"{escape(x_title)}</text>"
        f'<text class="middle" transform="translate(13 {(HEIGHT - BOTTOM + TOP) / 2})'
        f' rotate(-90)">{escape(y_title)}</text></svg>'
    )
    return "".join(parts)


def _ticks(largest: float) -> list[float]:
    """Four to six round numbers from 0 to one that is not less than `largest`."""
    rough = (largest or 1.0) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= rough)
    return [step * i for i in range(math.ceil(round((largest or 1.0) / step, 9)) + 1)]
