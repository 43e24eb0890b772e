"""The build: configuration, categories, weights, network, repository, in that order."""

from __future__ import annotations

import math
import shlex
import time
from pathlib import Path

from builder.canvases import canvases
from builder.categories import categories_for
from builder.config import load_config
from builder.network import build_model, parameter_shapes
from builder.repository import NETWORK_ONNX, write_repository
from builder.staging import staged
from builder.weights import load_weights


def build_repository(
    repository: Path,
    config_file: Path,
    weights_file: Path,
    categories_file: Path | None,
    max_batch: int,
) -> None:
    """Write a repository that serves a network in ONNX Runtime, and print each step.

    If anything fails, `repository` is as it was before.

    Args:
        repository: the folder of the four models; other models in it stay.
        config_file: detectron2's YAML.
        weights_file: its weights, in a format of `builder.weights`.
        categories_file: see `builder.categories.categories_for`.
        max_batch: pictures per batch.

    Raises:
        BuildError: if any of the files is not what it should be, or cannot be written.
    """
    started = time.monotonic()

    def report(line: str) -> None:
        print(f"[{time.monotonic() - started:6.1f} s] {line}", flush=True)

    with staged(repository) as stage:
        report(f"configuration  {config_file}")
        config = load_config(config_file)
        categories = categories_for(config.num_classes, categories_file)
        report(f"weights        {weights_file}")
        shapes = parameter_shapes(config)
        weights = load_weights(weights_file, shapes)
        report("network        ONNX graph")
        network = build_model(config, weights)
        report(f"repository     {repository}")
        write_repository(stage, config, categories, max_batch, network)
    report("done")

    parameters = sum(math.prod(shape) for shape in shapes.values())
    detector = "Mask R-CNN" if config.mask_on else "Faster R-CNN"
    names = ", ".join(category.name for category in categories[:3])
    onnx_file = repository / NETWORK_ONNX
    print(
        f"""
model        {detector} R{config.resnet_depth}-C4, {parameters:,} parameters
input        {config.min_size_test}/{config.max_size_test} px on canvases of \
{", ".join(f"{height}x{width}" for height, width in canvases(config))}, up to {max_batch} a batch
classes      {len(categories)}: {names}{", …" if len(categories) > 3 else ""}
file         {onnx_file} ({onnx_file.stat().st_size / 1e6:.1f} MB)

Serve it with
  python -m server --repository {shlex.quote(str(repository))} --model-config-name onnxruntime"""
    )
