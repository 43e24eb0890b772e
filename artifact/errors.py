"""The one exception of this package."""

from __future__ import annotations


class ArtifactError(Exception):
    """What a build left behind cannot be read; the message says which file, why, and what to do."""
