"""The model's tensors within what a training run saves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from builder.errors import BuildError

_CAFFE2_NAME = re.compile(r"res\d_\d+_branch\d[abc]?_(w|b|bn_[sb])|conv1_(w|b)|res_conv1_bn_[sb]")


_MODEL_KEYS = ("model", "state_dict", "model_state_dict")
"""Of detectron2, of Lightning, and of PyTorch's tutorials."""

_WRAPPER = re.compile(r"(?<![^.])(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
"""What torch puts before the name, at any depth, of a module that is compiled or wrapped."""

_PREFIXES = re.compile(r"(?:(?:module|model)\.(?!\d))*")
"""Of DataParallel, which detectron2 takes off as well, and of Lightning's usual attribute."""


def model_state(path: Path, checkpoint: object) -> dict[str, object]:
    """What stands under `model` or `state_dict`, or the checkpoint itself where it is a bare one.

    Names lose what torch.compile, DataParallel, FSDP and Lightning put before all of them.

    Raises:
        BuildError: there is no model in it, or it is one in Caffe2's naming, whose tensors
            detectron2 assigns by guessing (`matching_heuristics`).
    """
    if not isinstance(checkpoint, Mapping):
        raise BuildError(
            f"{path}: holds one object of type {type(checkpoint).__name__}; expected a dictionary "
            f"of tensors, or one with such a dictionary under 'model' or 'state_dict'"
        )
    key = next((key for key in _MODEL_KEYS if key in checkpoint), None)
    state = checkpoint if key is None else checkpoint[key]
    if not isinstance(state, Mapping) or not all(isinstance(name, str) for name in state):
        what = "what it holds" if key is None else f"its {key!r}"
        raise BuildError(f"{path}: {what} is no dictionary of tensors by name")
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
            f"{path}: holds no tensors by their detectron2 names, and no 'model' or "
            f"'state_dict'; found: {found}"
        )
    return _unwrapped(path, state)


def _unwrapped(path: Path, state: Mapping[str, object]) -> dict[str, object]:
    """The state under the names that the model has itself."""
    names = {name: _WRAPPER.sub("", name) for name in state}
    prefix = min((_prefix(bare) for bare in names.values()), key=len)
    if not all(bare.startswith(prefix) for bare in names.values()):
        prefix = ""
    origins: dict[str, str] = {}
    for name, wrapped in names.items():
        bare = wrapped.removeprefix(prefix)
        if bare in origins:
            raise BuildError(f"{path}: holds {bare} twice, as {origins[bare]} and as {name}")
        origins[bare] = name
    return {bare: state[name] for bare, name in origins.items()}


def _prefix(name: str) -> str:
    prefixes = _PREFIXES.match(name)
    return prefixes[0] if prefixes else ""
