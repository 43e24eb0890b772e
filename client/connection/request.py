"""What is asked of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt


@dataclass(frozen=True)
class InferenceRequest:
    """One inference of one model."""

    model: str
    inputs: Mapping[str, npt.NDArray[Any]]
    """By their names; object arrays of bytes travel as BYTES."""
    outputs: Sequence[str] = ()
    """The names of those that are wanted; none for all that the model has."""
    parameters: Mapping[str, float] = field(default_factory=dict)
    id: str = ""
    """Names the request in the server's log."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of HTTP, or gRPC's metadata."""
