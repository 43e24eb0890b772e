"""How the requests were shared among the servers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EndpointCounts:
    """What one server did: the requests that it answered, and how often it went away."""

    url: str
    answered: int
    went_away: int
