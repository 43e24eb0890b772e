"""What was checked, as rows of a table."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 100
COLUMN = 26
"""Of the subjects, which are longer only where a server's name is."""
LISTED = 2
"""Lines about each picture that differs."""


@dataclass(frozen=True)
class Row:
    """One thing that was checked."""

    subject: str
    text: str
    """What was found or compared; of a failed check what differs, a line for each difference."""
    failed: bool | None = False
    """None of what was not asked."""


def row_lines(row: Row) -> str:
    """The row: subject, ok, FAILED or -, and the text, wrapped."""
    indent = " " * (COLUMN + 8)
    status = "-" if row.failed is None else "FAILED" if row.failed else "ok"
    start = f"{row.subject:<{COLUMN - 1}} {status:<8}"
    return "\n".join(
        line
        for number, part in enumerate(row.text.split("\n"))
        for line in textwrap.wrap(
            part,
            WIDTH,
            initial_indent=indent if number else start,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def told(what: str, differences: Sequence[str]) -> list[str]:
    """The lines for a row: what differs, and the first of how."""
    if not differences:
        return []
    rest = len(differences) - LISTED
    more = [f"and {rest} more"] if rest > 0 else []
    return [f"{what}: {differences[0]}", *differences[1:LISTED], *more]


def in_words(names: Sequence[str]) -> str:
    """Such as: a, b and c."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def row_of(subject: str, faults: Sequence[str], text: str) -> Row:
    """The row of a check that found `faults`; `text` is for none."""
    return Row(subject, "\n".join(faults) or text, failed=bool(faults))
