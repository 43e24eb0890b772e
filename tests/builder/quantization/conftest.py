"""The demo network, its pictures, and what calibrating on the first of them gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy.typing as npt
import pytest

from builder.network import ModelConfig, load_config, network_spec
from builder.quantization import Calibration, obtain_calibration
from builder.weights import load_weights

DEMO = Path(__file__).resolve().parents[3] / "demo"
CALIBRATED_ON = 4


@pytest.fixture(scope="session")
def demo_config() -> ModelConfig:
    return load_config(DEMO / "mask_rcnn_R_50_C4_shapes.yaml")


@pytest.fixture(scope="session")
def demo_weights(demo_config: ModelConfig) -> dict[str, npt.NDArray[Any]]:
    parameters = network_spec(demo_config).parameters
    return load_weights(DEMO / "mask_rcnn_R_50_C4_shapes.pkl", parameters)


@pytest.fixture(scope="session")
def demo_pictures() -> list[Path]:
    return sorted((DEMO / "val" / "images").glob("*.jpg"))


@pytest.fixture(scope="session")
def demo_calibration(
    demo_config: ModelConfig,
    demo_weights: dict[str, npt.NDArray[Any]],
    demo_pictures: list[Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Calibration:
    folder = tmp_path_factory.mktemp("pictures")
    for picture in demo_pictures[:CALIBRATED_ON]:
        (folder / picture.name).symlink_to(picture)
    return obtain_calibration(folder, demo_config, demo_weights, lambda line: None)
