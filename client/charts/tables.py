"""Tables of texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any


def table(head: Sequence[str], rows: Iterable[Sequence[str]], style: str = "") -> str:
    """A table that scrolls by itself where the page is too narrow for it.

    Args:
        head: the columns' names.
        rows: a text for each column.
        style: a class of the page's style; `named` has the first column on the left.
    """
    body = "".join(_row("td", row) for row in rows)
    opening = f'<table class="{style}">' if style else "<table>"
    return f'<div class="scroll">{opening}{_row("th", head)}{body}</table></div>'


def definitions(rows: Mapping[str, Any]) -> str:
    """Names and what they stand for."""
    pairs = (f"<dt>{escape(key)}</dt><dd>{escape(str(value))}</dd>" for key, value in rows.items())
    return f"<dl>{''.join(pairs)}</dl>"


def _row(tag: str, cells: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"
