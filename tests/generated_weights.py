"""Weights for networks that nobody trained: files in the format of detectron2's model zoo.

Values are random, in the sizes that trained ones have: activations stay near 1, so that fp16 holds
them, and classes stand out enough for detections.
"""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import numpy.typing as npt

from builder.network import ModelConfig, network_spec

PIXEL_DEVIATION = 60.0
"""Of photographs, in grey levels: what the stem has to bring to 1."""

RESIDUAL_SCALE = 0.2
"""Of the branch beside each shortcut, so that activations do not grow with the depth."""

LOGIT_DEVIATION = 1.5
"""Of class scores, objectness, mask and point logits: among 81 classes a few are above 0.05."""

DELTA_DEVIATION = 0.5
"""Of box deltas, which BBOX_REG_WEIGHTS divide: boxes stay near their anchors."""


def write_generated_weights(path: Path, config: ModelConfig, seed: int = 0) -> Path:
    """Writes a .pkl as the model zoo's for the network of `config`; returns `path`."""
    content = {"model": generated_weights(config, seed), "__author__": "generated"}
    with path.open("wb") as file:
        pickle.dump(content, file, protocol=4)
    return path


def generated_weights(config: ModelConfig, seed: int = 0) -> dict[str, npt.NDArray[np.float32]]:
    """float32 arrays under the zoo's names, BatchNorm apart; the same for the same seed."""
    rng = np.random.default_rng(seed)
    return {
        name: _generated(rng, name, shape)
        for name, shape in network_spec(config).parameters.unfolded_shapes().items()
    }


def _generated(
    rng: np.random.Generator, name: str, shape: tuple[int, ...]
) -> npt.NDArray[np.float32]:
    if name.endswith((".norm.weight", ".norm.running_var")):
        scale = RESIDUAL_SCALE if name.endswith(".conv3.norm.weight") else 1.0
        return (scale * rng.uniform(0.8, 1.2, shape)).astype(np.float32)
    if name.endswith((".bias", ".running_mean")):
        return np.float32(0.1) * rng.standard_normal(shape, np.float32)
    # Each output is a sum over as many products as there are inputs; ReLU halves their variance.
    inputs = shape[0] if ".deconv." in name else int(np.prod(shape[1:]))
    if ".score_lowres." in name:  # 4×4 with stride 2: four of its weights in each cell.
        inputs = 4 * shape[0]
    return np.float32(_gain(name) / np.sqrt(inputs)) * rng.standard_normal(shape, np.float32)


def _gain(name: str) -> float:
    if ".stem." in name:
        return 1 / PIXEL_DEVIATION
    if any(part in name for part in (".anchor_deltas.", ".bbox_pred.")):
        return DELTA_DEVIATION
    if any(
        part in name
        for part in (".cls_score.", ".objectness_logits.", ".predictor.", ".score_lowres.")
    ):
        return LOGIT_DEVIATION
    return float(np.sqrt(2))
