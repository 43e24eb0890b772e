"""The ``score_threshold`` that a client may send with its request."""

from __future__ import annotations

import json


class ParameterError(ValueError):
    """A request parameter is not what it should be. The message names it and its value."""


def score_threshold(parameters: str) -> float:
    """The score that a detection must pass to be returned.

    Args:
        parameters: the request's parameters as Triton's Python backend gives them: a JSON object
            in text, or nothing at all.

    Returns:
        A number from 0 to 1; 0 if the client sent none, which returns all that the network found.

    Raises:
        ParameterError: if it is not such a number.
    """
    value = json.loads(parameters or "{}").get("score_threshold", 0.0)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ParameterError(
            f"request parameter score_threshold is {value!r}; expected a number from 0 to 1"
        )
    return float(value)
