"""How two descriptions of a run or of a model differ, for people."""

from __future__ import annotations

from typing import Any

LONGEST_VALUE = 60


def differences(one: Any, other: Any, path: str = "") -> list[tuple[str, str, str]]:
    """Where two JSON values differ: the dotted path, and both values there, cut short."""
    if isinstance(one, dict) and isinstance(other, dict):
        return [
            difference
            for name in sorted(one.keys() | other.keys())
            for difference in differences(
                one.get(name), other.get(name), f"{path}.{name}" if path else name
            )
        ]
    if one == other:
        return []
    return [(path, str(one)[:LONGEST_VALUE], str(other)[:LONGEST_VALUE])]
