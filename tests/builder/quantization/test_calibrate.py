from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from builder.errors import BuildError
from builder.network import ModelConfig, export_onnx, network_spec
from builder.quantization import Calibration
from builder.quantization.calibrate import layer_inputs, measure_input_ranges
from builder.quantization.pictures import network_inputs


def extreme_pixels(picture: Path, config: ModelConfig) -> tuple[float, float]:
    """Least and greatest of what enters the stem: pixels less their mean."""
    pixels = network_inputs(picture, config)["canvas"].astype(np.float32)
    pixels -= np.array(config.model.pixel_mean, np.float32)
    return float(pixels.min()), float(pixels.max())


def test_each_layer_has_a_range_and_the_stems_is_the_pictures_mean(
    demo_config: ModelConfig, demo_calibration: Calibration, demo_pictures: list[Path]
) -> None:
    ranges = demo_calibration.input_ranges
    assert set(ranges) == set(network_spec(demo_config).quantizable_layers)
    assert all(0 < largest < 1000 for largest in ranges.values())
    extremes = [extreme_pixels(p, demo_config) for p in demo_pictures[: demo_calibration.pictures]]
    assert len(set(extremes)) > 1
    stem = np.abs(np.mean(extremes, axis=0)).max()
    assert ranges["backbone.stem.conv1"] == pytest.approx(stem, rel=1e-6)
    # Layers that read the same tensor.
    assert ranges["backbone.res3.0.conv1"] == ranges["backbone.res3.0.shortcut"]
    assert ranges["roi_heads.res5.0.conv1"] == ranges["roi_heads.res5.0.shortcut"]


def test_res5_is_measured_on_proposals_and_on_detections(
    demo_config: ModelConfig, demo_weights: dict[str, npt.NDArray[Any]]
) -> None:
    layers = network_spec(demo_config).quantizable_layers
    inputs = layer_inputs(export_onnx(demo_config, demo_weights, static=True), layers)
    assert {path: len(set(tensors)) for path, tensors in inputs.items()} == {
        path: 2 if ".res5." in path else 1 for path in layers
    }


def test_each_picture_is_reported(
    demo_config: ModelConfig,
    demo_weights: dict[str, npt.NDArray[Any]],
    demo_pictures: list[Path],
) -> None:
    lines: list[str] = []
    measure_input_ranges(demo_config, demo_weights, demo_pictures[:3], lines.append)
    assert lines == ["picture 1 of 3", "picture 2 of 3", "picture 3 of 3"]


def test_weights_whose_activations_leave_fp16_are_refused_by_the_layer_that_meets_them(
    demo_config: ModelConfig,
    demo_weights: dict[str, npt.NDArray[Any]],
    demo_pictures: list[Path],
) -> None:
    name = "backbone.res3.1.conv1.weight"
    weights = demo_weights | {name: demo_weights[name] * np.float32(1e6)}
    with pytest.raises(BuildError, match=r"^backbone\.res3\.1\.conv2: its input reaches \d"):
        measure_input_ranges(demo_config, weights, demo_pictures[:1], lambda line: None)
