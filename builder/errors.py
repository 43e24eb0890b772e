"""The one exception that ``python -m builder`` turns into ``error: …``."""

from __future__ import annotations


class BuildError(Exception):
    """A build cannot go on because of something that its user gave it.

    The message is for the person at the keyboard: which file or tensor, what was found in it,
    what was expected, and what to do about it.
    """
