"""JSON from files that may hold anything."""

from __future__ import annotations

import json
from typing import Any, TypeGuard


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is not JSON, or not such as is ever meant: the message is a sentence.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("its brackets are nested too deeply") from error


def is_text(value: object) -> TypeGuard[str]:
    """Whether it is a text without half surrogates, which JSON can write and nothing can print."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
