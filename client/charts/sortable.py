"""A table that is sorted by a click on a column's name, by style alone: no script is needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Cell:
    """A text, and what its column is sorted by."""

    text: str
    key: float | str
    """A number, greatest first, where NaN is last; or a text."""
    share: float | None = None
    """The length of a bar behind it, 0 to 1."""


def sortable_table(
    name: str, head: Sequence[str], rows: Sequence[Sequence[Cell]], sorted_by: int
) -> str:
    """A table that scrolls by itself where the page is too small for it.

    Args:
        name: of the table, which no other on the page has: letters.
        head: the columns' names; the first column is on the left and as wide as its texts need.
        rows: a cell for each column.
        sorted_by: the column that it is sorted by at first.
    """
    ranks = [_ranks([row[column].key for row in rows]) for column in range(len(head))]
    choices = "".join(
        f'<input type="radio" name="{name}" id="{name}-{n}"{" checked" if n == sorted_by else ""}>'
        for n in range(len(head))
    )
    heads = "".join(
        f'<label role="columnheader" for="{name}-{n}">{escape(each)}</label>'
        for n, each in enumerate(head)
    )
    rules = "".join(
        f"#{name}-{n}:checked ~ * [role=row]:not(.head) {{ order: var(--{n}); }}"
        f"#{name}-{n}:checked ~ * [for={name}-{n}] {{ color: var(--ink); }}"
        f"#{name}-{n}:focus-visible ~ * [for={name}-{n}] {{ outline: 2px solid var(--blue); }}"
        for n in range(len(head))
    )
    order = sorted(range(len(rows)), key=lambda row: ranks[sorted_by][row])
    lines = "".join(
        f'<div role="row" style="{";".join(f"--{n}:{ranks[n][row]}" for n in range(len(head)))}">'
        f"{''.join(map(_cell, rows[row]))}</div>"
        for row in order
    )
    return (
        f'<div class="sortable" style="--columns:{len(head) - 1}">'
        f"<style>{rules}</style>{choices}"
        f'<div class="scroll"><div role="table"><div role="row" class="head">{heads}</div>{lines}'
        "</div></div></div>"
    )


def _cell(cell: Cell) -> str:
    bar = "" if cell.share is None else f'<i style="width:{100 * cell.share:.1f}%"></i>'
    return f'<span role="cell">{bar}{escape(cell.text)}</span>'


def _ranks(keys: Sequence[float | str]) -> list[int]:
    def sorting(place: int) -> tuple[bool, float, str]:
        key = keys[place]
        if isinstance(key, str):
            return (False, 0.0, key.casefold())
        return (math.isnan(key), 0.0 if math.isnan(key) else -key, "")

    ranks = [0] * len(keys)
    for rank, place in enumerate(sorted(range(len(keys)), key=sorting)):
        ranks[place] = rank
    return ranks
