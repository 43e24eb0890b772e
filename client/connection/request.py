"""What is asked of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt


@dataclass(frozen=True)
class InferenceRequest:
    """One inference of one model.

    Args:
        model: its name.
        inputs: by their names; object arrays of bytes travel as BYTES.
        outputs: the names of those that are wanted; none for all that the model has.
        parameters: Triton's request parameters.
        id: names the request in the server's log.
        headers: of HTTP, or gRPC's metadata.
    """

    model: str
    inputs: Mapping[str, npt.NDArray[Any]]
    outputs: Sequence[str] = ()
    parameters: Mapping[str, float] = field(default_factory=dict)
    id: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
