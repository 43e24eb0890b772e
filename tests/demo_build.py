"""Builds of the demo's models: as they are, and C4 as a Faster R-CNN, without its mask head."""

from __future__ import annotations

import pickle
from pathlib import Path

from builder.__main__ import main as builder
from builder.weights.pickle_reader import read_pickle

DEMO = Path(__file__).parents[1] / "demo"
C4, FPN = DEMO / "mask_rcnn_R_50_C4_shapes", DEMO / "mask_rcnn_R_50_FPN_shapes"
CONFIG, WEIGHTS = C4.with_suffix(".yaml"), C4.with_suffix(".pkl")

WITHOUT_MASKS = """\
_BASE_: {base}
MODEL:
  MASK_ON: False
"""


def build_demo(repository: Path, *more: str) -> Path:
    """What `builder build` writes of C4 with the options `more`; returns `repository`."""
    return build_trained(repository, C4, *more)


def build_trained(repository: Path, model: Path, *more: str) -> Path:
    """The same of the YAML and `.pkl` at `model`, trained on the demo's scenes."""
    return build_files(repository, model.with_suffix(".yaml"), model.with_suffix(".pkl"), *more)


def build_faster_demo(
    repository: Path, scratch: Path, *more: str, with_masks: Path = CONFIG
) -> Path:
    """C4 without masks, which `with_masks` configures with them.

    Its configuration and weights are written into `scratch`.
    """
    config, weights = scratch / "faster.yaml", scratch / "faster.pkl"
    config.write_text(WITHOUT_MASKS.format(base=with_masks))
    tensors = read_pickle(WEIGHTS)
    boxes_only = {n: t for n, t in tensors.items() if not n.startswith("roi_heads.mask_head.")}
    assert len(tensors) - len(boxes_only) == 4
    weights.write_bytes(pickle.dumps({"model": boxes_only}))
    return build_files(repository, config, weights, *more)


def build_files(repository: Path, config: Path, weights: Path, *more: str) -> Path:
    """The same of a configuration and weights for the demo's categories."""
    paths = {
        "--config": config,
        "--weights": weights,
        "--categories": DEMO / "val" / "instances.json",
        "--repository": repository,
    }
    required = [str(word) for option in paths.items() for word in option]
    assert builder(["build", *required, *more]) == 0
    return repository
