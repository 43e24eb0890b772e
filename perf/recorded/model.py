"""The network answered from ``answers.npz``, beside this file, without any computation.

A picture gets the recorded answers to pictures of its size in turn, so that boxes fit; a picture
of a size that was not recorded gets any.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils

SIZE = "image_size"


class TritonPythonModel:
    """Answers at once; the inputs are taken over from Triton, and `canvas` is not looked at."""

    def initialize(self, args: dict[str, Any]) -> None:
        with np.load(Path(__file__).with_name("answers.npz")) as file:
            self.answers = dict(file)
        sizes = [tuple(size) for size in self.answers.pop(SIZE)]
        by_size = defaultdict(list)
        for place, size in enumerate(sizes):
            by_size[size].append(place)
        self.turns = {size: cycle(places) for size, places in by_size.items()}
        self.any_turn = cycle(range(len(sizes)))

    def execute(self, requests: list[Any]) -> list[Any]:
        return [self._respond(request) for request in requests]

    def _respond(self, request: Any) -> Any:
        sizes = pb_utils.get_input_tensor_by_name(request, SIZE).as_numpy()
        places = [next(self.turns.get(tuple(size), self.any_turn)) for size in sizes]
        return pb_utils.InferenceResponse(
            [
                pb_utils.Tensor(name, self.answers[name][places])
                for name in sorted(request.requested_output_names())
            ]
        )
