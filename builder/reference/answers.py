"""The answers to be recorded, where what they need is installed."""

from __future__ import annotations

from collections.abc import Sequence

import onnx

from artifact.reference import ReferenceAnswer
from builder.errors import BuildError
from builder.network import ModelConfig
from builder.repository.categories import Category


def reference_answers(
    network: onnx.ModelProto, config: ModelConfig, categories: Sequence[Category]
) -> tuple[ReferenceAnswer, ...]:
    """What the network finds in a few pictures: see `builder.reference.record.record_answers`.

    Raises:
        BuildError: what this needs is not installed; the message names it.
    """
    try:
        from builder.reference.record import record_answers
    except ImportError as error:
        raise BuildError(
            f"{error.name} is not installed: pip install onnxruntime opencv-python-headless "
            "pillow pycocotools"
        ) from error
    return record_answers(network.SerializeToString(), config, categories)
