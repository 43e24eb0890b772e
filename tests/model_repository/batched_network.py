"""What holds of each runtime that cuts batches into parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def assert_batches_have_the_answers_of_single_pictures(network: Any, pictures: int) -> None:
    """`network` is that of the demo, `pictures` the size of a batch."""
    pixels = np.random.default_rng(0).integers(0, 256, (pictures, 288, 480, 3), np.uint8)
    batch: dict[str, npt.NDArray[Any]] = {
        "canvas": pixels,
        "image_size": np.full((pictures, 2), 288, np.int32),
    }
    outputs = ["num_detections", "boxes", "scores", "classes"]
    singles = [
        network.run(outputs, {name: array[n : n + 1] for name, array in batch.items()})
        for n in range(pictures)
    ]
    for together, alone in zip(
        network.run(outputs, batch), zip(*singles, strict=True), strict=True
    ):
        assert np.allclose(together, np.concatenate(alone), rtol=1e-3, atol=0.1)
