"""What the ensemble's parameter `reference` says: see `artifact.reference`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from artifact import manifest
from artifact.manifest import FileRecord
from artifact.reference import Reference, ReferenceAnswer
from builder import __version__
from builder.config.settings import values_by_key
from builder.network import ModelConfig
from builder.repository.pbtxt import Tensor, TritonModelConfig


@dataclass(frozen=True)
class Recorded:
    """What the network was made of, and what it answers."""

    precision: str
    """A key of `builder.network.PRECISIONS`."""
    weights: FileRecord
    answers: tuple[ReferenceAnswer, ...]


def reference(
    recorded: Recorded, config: ModelConfig, models: Sequence[TritonModelConfig]
) -> Reference:
    """That of a build.

    Args:
        recorded: see there.
        config: what the network was built from.
        models: the four; the parameters that they have decide the answers.
    """
    settings = values_by_key(config)
    return Reference(
        model=config.model.title,
        precision=recorded.precision,
        builder_version=__version__,
        weights=recorded.weights,
        pixel_mean=tuple(map(float, settings["MODEL.PIXEL_MEAN"])),
        score_threshold=float(settings["MODEL.ROI_HEADS.SCORE_THRESH_TEST"]),
        tensors={
            model.name: tuple(map(_tensor, (*model.input, *model.output))) for model in models
        },
        parameters={
            model.name: dict(model.parameters) for model in models if not model.ensemble_steps
        },
        max_batch=models[0].max_batch_size,
        answers=recorded.answers,
    )


def _tensor(tensor: Tensor) -> manifest.Tensor:
    data_type = tensor.data_type.value.removeprefix("TYPE_")
    return manifest.Tensor(tensor.name, data_type, tensor.dims)
