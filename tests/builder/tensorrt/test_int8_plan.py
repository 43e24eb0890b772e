"""int8 networks, compiled by TensorRT-RTX."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from artifact.manifest import MANIFEST, read_manifest
from builder.network import load_config, network_spec
from builder.quantization import CALIBRATION, Calibration
from builder.quantization.calibration import weights_hash
from builder.weights import load_weights
from tests.builder.tensorrt.conftest import ALL_TARGETS, CATEGORIES, MODEL, ROOT, WEIGHTS, Build
from tests.generated_weights import write_generated_weights

NETWORK = Path("mask_rcnn_network") / "1"
R50 = ROOT / "tests/configs/COCO-InstanceSegmentation/mask_rcnn_R_50_C4_1x.yaml"
MOST_BYTES = 6 * 10**9
LARGEST_INPUT = 8.0


def made_up_calibration(folder: Path, config_file: Path, weights_file: Path) -> Path:
    """A calibration.json that says the same of each layer, as the compiler does not mind."""
    config = load_config(config_file)
    weights = load_weights(weights_file, network_spec(config).parameters)
    ranges = dict.fromkeys(network_spec(config).quantizable_layers, LARGEST_INPUT)
    Calibration(weights_hash(weights), 1, ranges).write(folder)
    return folder / CALIBRATION


@pytest.mark.long
def test_the_demo_compiles_in_int8(build_plan: Callable[..., Build], tmp_path: Path) -> None:
    calibration = made_up_calibration(tmp_path, MODEL[1], WEIGHTS[1])
    build = build_plan(
        tmp_path / "repository",
        *(*MODEL, *WEIGHTS, *CATEGORIES),
        *("--precision", "int8", "--calibration", calibration),
        *("--compute-capability", ALL_TARGETS[0]),
    )
    manifest = read_manifest(build.repository / NETWORK / MANIFEST)
    assert manifest.precision == "int8"
    assert manifest.plan is not None
    assert manifest.plan.compute_capabilities == ALL_TARGETS[:1]


@pytest.mark.long
@pytest.mark.parametrize("targets", [ALL_TARGETS, *((target,) for target in ALL_TARGETS)])
def test_r50_compiles_in_int8_at_full_size_in_little_memory(
    build_plan: Callable[..., Build], tmp_path: Path, targets: tuple[str, ...]
) -> None:
    weights = write_generated_weights(tmp_path / "weights.pkl", load_config(R50))
    build = build_plan(
        tmp_path / "repository",
        *("--config", R50, "--weights", weights),
        *("--precision", "int8", "--calibration", made_up_calibration(tmp_path, R50, weights)),
        *("--compute-capability", *targets),
    )
    assert build.peak_bytes < MOST_BYTES
    plan = read_manifest(build.repository / NETWORK / MANIFEST).plan
    assert plan is not None
    assert plan.compute_capabilities == targets
    assert [profile.max["canvas"] for profile in plan.profiles] == [
        (8, 800, 1344, 3), (8, 1344, 800, 3), (8, 1344, 1344, 3)
    ]  # fmt: skip
