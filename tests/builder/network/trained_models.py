"""The small models that were trained with detectron2, one of each family."""

from __future__ import annotations

import functools
import pickle
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from builder.network import ModelConfig, load_config, network_spec
from builder.weights import load_weights
from builder.weights.pickle_reader import read_pickle
from tests.builder.network.weight_difference import read_difference

Weights = dict[str, npt.NDArray[np.float32]]

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "demo"
GOLDENS = ROOT / "tests/goldens"
FAMILIES = GOLDENS / "families"
DIFFERENCE = "difference_to_FPN.npz"


@dataclass(frozen=True)
class TrainedModel:
    """Where a model is, and what detectron2 computed with it."""

    name: Path
    """Of its files, without .yaml and .pkl."""
    goldens: Path
    """The folder of `goldens_demo.npz` and, where there is one, `goldens_800.npz`."""
    metrics: Path
    """detectron2's own AP on the demo's pictures, in fp32."""
    strides: Mapping[str, int]
    """Of the maps whose means are in the goldens."""

    @property
    def config(self) -> Path:
        return self.name.with_name(f"{self.name.name}.yaml")

    @property
    def weights(self) -> Path:
        """The .pkl; that of a model which is kept as a difference is made of it."""
        difference = self.name.with_name(DIFFERENCE)
        if difference.exists():
            return _written_out(difference)
        return self.name.with_name(f"{self.name.name}.pkl")

    def load(self) -> tuple[ModelConfig, Weights]:
        return load_model(self.config, self.weights)


@functools.cache
def _scratch() -> tempfile.TemporaryDirectory[str]:
    """Goes with the process."""
    return tempfile.TemporaryDirectory()


@functools.cache
def _written_out(difference: Path) -> Path:
    path = Path(_scratch().name) / f"{difference.parent.name}.pkl"
    weights = read_difference(difference, read_pickle(TRAINED_MODELS["FPN"].weights))
    path.write_bytes(pickle.dumps({"model": weights, "__author__": "detectron2"}, protocol=4))
    return path


def load_model(config_path: Path, weights_path: Path) -> tuple[ModelConfig, Weights]:
    """A network's configuration, and its parameters by name."""
    config = load_config(config_path)
    return config, load_weights(weights_path, network_spec(config).parameters)


_PYRAMID = {f"p{level}": 2**level for level in range(2, 7)}
_X50, _DC5, _CASCADE, _FPN = (
    FAMILIES / name
    for name in (
        "mask_rcnn_X_50_FPN_shapes",
        "mask_rcnn_R_50_DC5_shapes",
        "cascade_mask_rcnn_R_50_FPN_shapes",
        "mask_rcnn_R_50_FPN_shapes",
    )
)

TRAINED_MODELS = {
    "C4": TrainedModel(
        DEMO / "mask_rcnn_R_50_C4_shapes",
        GOLDENS,
        DEMO / "mask_rcnn_R_50_C4_shapes.metrics.json",
        {"res4": 16},
    ),
    "FPN": TrainedModel(DEMO / _FPN.name, _FPN, DEMO / f"{_FPN.name}.metrics.json", _PYRAMID),
    "X50": TrainedModel(_X50 / _X50.name, _X50, _X50 / "detectron2_metrics.json", _PYRAMID),
    "DC5": TrainedModel(_DC5 / _DC5.name, _DC5, _DC5 / "detectron2_metrics.json", {"res5": 16}),
    "Cascade": TrainedModel(
        _CASCADE / _CASCADE.name, _CASCADE, _CASCADE / "detectron2_metrics.json", _PYRAMID
    ),
}
