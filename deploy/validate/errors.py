"""The one exception of this package."""

from __future__ import annotations


class ManifestError(Exception):
    """A manifest cannot be read, put together or checked; the message says which and why."""
