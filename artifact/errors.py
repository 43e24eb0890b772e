"""The one exception of this package; those who call it print it as ``error: …``."""

from __future__ import annotations


class ArtifactError(Exception):
    """What a build left behind cannot be read; the message says which file, why, and what to do."""
