"""What others have to know of a network, as its modules say it."""

from __future__ import annotations

from dataclasses import dataclass

from artifact.manifest import Tensor
from builder.network.config import ModelConfig
from builder.network.layers import Conv2d
from builder.network.precision import PRECISIONS
from builder.weights.parameters import Parameters


@dataclass(frozen=True)
class NetworkSpec:
    """A network's interface, parameters and layers; a layer by its path, as backbone.stem.conv1."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    parameters: Parameters
    quantizable_layers: tuple[str, ...]
    """Those that can run in int8."""
    fp16_layers: tuple[str, ...]
    """Those of them that had better stay in fp16."""


def network_spec(config: ModelConfig) -> NetworkSpec:
    """That of the network which `config` describes."""
    model = config.model.build(PRECISIONS["int8"])
    shapes = {}
    for name, parameter in model.named_parameters():
        assert parameter.shape is not None
        shapes[name] = tuple(parameter.shape.numpy())
    layers = dict(model.named_modules())
    convolutions = {path: each for path, each in layers.items() if isinstance(each, Conv2d)}
    return NetworkSpec(
        inputs=(
            Tensor("canvas", "UINT8", (-1, -1, -1, 3)),
            Tensor("image_size", "INT32", (-1, 2)),
        ),
        outputs=config.model.outputs(),
        parameters=Parameters(
            shapes,
            normalized_layers=frozenset(
                path for path, layer in layers.items() if getattr(layer, "norm", False)
            ),
        ),
        quantizable_layers=tuple(convolutions),
        fp16_layers=tuple(path for path, each in convolutions.items() if each.stays_fp16),
    )
