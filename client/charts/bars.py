"""Bars made of HTML, which keep their text readable at any width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Segment:
    """A part of a bar."""

    style: str
    """A class of the page's style that gives it its colour."""
    value: float
    title: str
    """Shown when pointed at."""
    text: str = ""
    """Shown inside, where there is room."""


def stacked_bar(segments: Sequence[Segment], full: float) -> str:
    """A bar whose length is the sum of its segments, in units of which `full` is the width."""
    parts = [
        f'<i class="{each.style}" style="width:{100 * each.value / full:.3f}%" '
        f'title="{escape(each.title)}">'
        f"{escape(each.text) if each.value >= 0.12 * full else ''}</i>"
        for each in segments
        if each.value > 0
    ]
    return f'<div class="bar">{"".join(parts)}</div>'


def bar_row(label: str, bar: str, value: str) -> str:
    """A bar between its name and its figure; `bar` is HTML, the others are text."""
    return (
        f'<div class="row"><span class="label">{escape(label)}</span>{bar}'
        f'<span class="value">{escape(value)}</span></div>'
    )


def legend(entries: Sequence[tuple[str, str]]) -> str:
    """(class, text) of each colour."""
    parts = [f'<span><i class="{style}"></i>{escape(text)}</span>' for style, text in entries]
    return f'<p class="legend">{"".join(parts)}</p>'
