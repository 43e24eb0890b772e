"""A served model for FiftyOne's `apply_model`."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from client.detector import Detector

try:
    import fiftyone
except ImportError as error:
    raise ImportError("fiftyone is not installed: pip install fiftyone") from error

SCORE_THRESHOLD = 0.5
"""Without `confidence_thresh`."""


class ServedModel(fiftyone.Model):
    """A served model.

    >>> model = ServedModel(Detector("127.0.0.1:8001"))
    >>> dataset.apply_model(model, label_field="predictions", batch_size=16)

    Args:
        detector: that is asked; the pictures of a batch are sent at once.
    """

    media_type = "image"
    ragged_batches = False
    """Pictures of a batch may be of different sizes, since nothing is done to them here."""
    transforms = None
    preprocess = False

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.config = SimpleNamespace(confidence_thresh=SCORE_THRESHOLD)
        """`apply_model` sets what it is given."""

    def predict(self, arg: npt.NDArray[np.uint8]) -> fiftyone.Detections:
        """Detections with relative boxes, scores, names, and masks cut out to the boxes.

        Args:
            arg: uint8 [h, w, 3] in RGB, as FiftyOne reads pictures.

        Raises:
            ClientError: see `Detector.__call__`.
        """
        (labels,) = self.predict_all([arg])
        return labels

    def predict_all(self, args: Iterable[npt.NDArray[np.uint8]]) -> list[Any]:
        """`predict` for each, in their order."""
        threshold = self.config.confidence_thresh
        found = self._detector([*args], channel_order="rgb", score_threshold=threshold)
        return [result.to_fiftyone() for result in found]
