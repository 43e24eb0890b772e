"""The one exception of this package."""

from __future__ import annotations


class PerfError(Exception):
    """A measurement or report cannot be made; the message says why and what to do about it."""
