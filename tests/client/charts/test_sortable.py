from __future__ import annotations

import math
import re

from client.charts.sortable import Cell, sortable_table

ROWS = [
    [Cell("dog", "dog"), Cell("7.5", 7.5)],
    [Cell("Cat", "Cat"), Cell("–", math.nan)],
    [Cell("<b>", "<b>"), Cell("80.0", 80.0, share=0.8)],
]


def ranks(html: str, column: int) -> dict[str, int]:
    """By the first cell's text, in the order of the page."""
    rows = re.findall(r'<div role="row" style="([^"]*)"><span role="cell">([^<]*)</span>', html)
    return {text: int(re.search(rf"--{column}:(\d+)", style)[1]) for style, text in rows}  # type: ignore[index]


def test_a_column_of_numbers_has_the_greatest_first_and_those_without_last() -> None:
    html = sortable_table("a", ["name", "figure"], ROWS, sorted_by=1)

    assert ranks(html, 1) == {"&lt;b&gt;": 0, "dog": 1, "Cat": 2}
    assert list(ranks(html, 1)) == ["&lt;b&gt;", "dog", "Cat"]


def test_a_column_of_texts_is_in_alphabetical_order_whatever_their_case() -> None:
    html = sortable_table("a", ["name", "figure"], ROWS, sorted_by=1)

    assert ranks(html, 0) == {"&lt;b&gt;": 0, "Cat": 1, "dog": 2}


def test_each_column_has_a_choice_and_one_is_made() -> None:
    html = sortable_table("a", ["name", "figure"], ROWS, sorted_by=1)

    assert re.findall(r'id="(a-\d)"( checked)?', html) == [("a-0", ""), ("a-1", " checked")]
    assert "#a-1:checked ~ * [role=row]:not(.head) { order: var(--1); }" in html
    assert re.findall(r'<label role="columnheader" for="([^"]*)">(\w+)', html) == [
        ("a-0", "name"),
        ("a-1", "figure"),
    ]
