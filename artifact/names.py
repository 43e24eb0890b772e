"""What a build's models and files are called.

A build is an ensemble, which clients call, and the three models that it passes requests through.
All are named after the ensemble, so that several builds can share a repository and a server.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DEFAULT_NAME = "mask_rcnn"

VERSION = "1"
"""The only version of each model: a new build replaces it."""

ONNX = "model.onnx"
PLAN = "model.plan"


@dataclass(frozen=True)
class ModelNames:
    """The names of a build's four models in Triton; they are folders in the repository.

    >>> ModelNames("birds").network
    'birds_network'
    """

    ensemble: str = DEFAULT_NAME

    @property
    def preprocess(self) -> str:
        """Encoded pictures to a canvas."""
        return f"{self.ensemble}_preprocess"

    @property
    def network(self) -> str:
        """A canvas to detections on it."""
        return f"{self.ensemble}_network"

    @property
    def postprocess(self) -> str:
        """Detections on a canvas to those in the original picture."""
        return f"{self.ensemble}_postprocess"

    @property
    def network_folder(self) -> Path:
        """Where the network's files and their manifest lie, within the repository."""
        return Path(self.network) / VERSION

    def __iter__(self) -> Iterator[str]:
        """All four, the ensemble first, its steps in their order."""
        return iter((self.ensemble, self.preprocess, self.network, self.postprocess))
