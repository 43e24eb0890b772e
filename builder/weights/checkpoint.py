"""The model's tensors within what a training run saves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from builder.errors import BuildError

_CAFFE2_NAME = re.compile(r"res\d_\d+_branch\d[abc]?_(w|b|bn_[sb])|conv1_(w|b)|res_conv1_bn_[sb]")


def model_state(path: Path, checkpoint: object) -> dict[str, object]:
    """What stands under `model`, or the checkpoint itself where it is a bare state dict.

    Raises:
        BuildError: there is no model in it, or it is one in Caffe2's naming, whose tensors
            detectron2 assigns by guessing (`matching_heuristics`).
    """
    if not isinstance(checkpoint, Mapping):
        raise BuildError(
            f"{path}: holds one object of type {type(checkpoint).__name__}; expected a dictionary "
            f"of tensors, or one with such a dictionary under 'model'"
        )
    state = checkpoint.get("model", checkpoint)
    if not isinstance(state, Mapping) or not all(isinstance(name, str) for name in state):
        raise BuildError(f"{path}: its 'model' is no dictionary of tensors by name")
    author = checkpoint.get("__author__")  # anything at all: an array is not simply equal or not
    if (
        "blobs" in checkpoint
        or (isinstance(author, str) and author == "Caffe2")
        or checkpoint.get("matching_heuristics") is True
        or any(_CAFFE2_NAME.fullmatch(name) for name in state)
    ):
        raise BuildError(
            f"{path}: is a backbone to start training from, or a model of Detectron 1 (its names "
            f"are not detectron2's, such as res2_0_branch2a_w, or it asks for "
            f"matching_heuristics); give a trained detectron2 model, such as the zoo's "
            f"model_final_….pkl"
        )
    if not any("." in name for name in state):
        found = ", ".join(sorted(state)[:10]) or "nothing"
        raise BuildError(
            f"{path}: holds no tensors by their detectron2 names, and no 'model'; found: {found}"
        )
    return dict(state)
