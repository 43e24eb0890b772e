"""A network of four layers with detectron2's names, and files with its weights."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from builder.weights import Parameters

Tensors = dict[str, Any]

SHAPES: dict[str, tuple[int, ...]] = {
    "backbone.stem.conv1.weight": (4, 3, 7, 7),
    "backbone.stem.conv1.bias": (4,),
    "roi_heads.res5.0.conv1.weight": (6, 4, 1, 1),
    "roi_heads.res5.0.conv1.bias": (6,),
    "proposal_generator.rpn_head.conv.weight": (5, 4, 3, 3),
    "proposal_generator.rpn_head.conv.bias": (5,),
    "roi_heads.box_predictor.cls_score.weight": (9, 6),
    "roi_heads.box_predictor.cls_score.bias": (9,),
}
"""The network's own parameters: BatchNorm folded."""

NORMALIZED = ("backbone.stem.conv1", "roi_heads.res5.0.conv1")

PARAMETERS = Parameters(SHAPES, frozenset(NORMALIZED))


def tensors() -> Tensors:
    """What a checkpoint of it holds: fp32, BatchNorm apart."""
    rng = np.random.default_rng(0)
    result: Tensors = {}
    for name, shape in SHAPES.items():
        module, _, kind = name.rpartition(".")
        if kind == "bias" and module in NORMALIZED:
            for statistic in ("weight", "bias", "running_mean", "running_var"):
                values = rng.uniform(0.1, 2.0, shape)
                result[f"{module}.norm.{statistic}"] = values.astype(np.float32)
        else:
            result[name] = rng.normal(size=shape).astype(np.float32)
    return result


def folded_tensors() -> dict[str, npt.NDArray[np.float32]]:
    rng = np.random.default_rng(1)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}


def write_pickle(path: Path, model: Mapping[str, object], protocol: int = 4) -> Path:
    """A file in the format of detectron2's model zoo."""
    with path.open("wb") as file:
        pickle.dump({"model": dict(model), "__author__": "the tests"}, file, protocol)
    return path


def write_wts(path: Path, entries: Mapping[str, npt.NDArray[np.float32]]) -> Path:
    """A file as tensorrtx's gen_wts.py writes it: two spaces before the first value."""
    lines = [f"{len(entries)}\n"]
    for name, array in entries.items():
        words = "".join(f" {word:08x}" for word in array.astype(">f4").ravel().view(">u4"))
        lines.append(f"{name} {array.size} {words}\n")
    path.write_text("".join(lines), encoding="ascii")
    return path
