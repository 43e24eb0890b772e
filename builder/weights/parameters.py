"""What a file of weights has to hold for a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NORM_TENSORS = ("norm.weight", "norm.bias", "norm.running_mean", "norm.running_var")
"""Of a BatchNorm that a file holds apart, in the layer that it follows."""


@dataclass(frozen=True)
class Parameters:
    """The parameters of a network, in which each BatchNorm is folded into the layer before it."""

    shapes: Mapping[str, tuple[int, ...]]
    """By name."""
    normalized_layers: frozenset[str]
    """Paths of the layers with a BatchNorm and no bias of their own, as backbone.stem.conv1."""

    def unfolded_shapes(self) -> dict[str, tuple[int, ...]]:
        """The names and shapes of a file that holds BatchNorm apart."""
        unfolded = {}
        for name, shape in self.shapes.items():
            layer, _, kind = name.rpartition(".")
            if kind == "bias" and layer in self.normalized_layers:
                unfolded.update({f"{layer}.{tensor}": shape for tensor in NORM_TENSORS})
            else:
                unfolded[name] = shape
        return unfolded
