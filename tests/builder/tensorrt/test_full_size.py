"""R50-C4 and its relatives at full size, compiled by TensorRT-RTX for batches of 1 to 8."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from artifact.manifest import MANIFEST, read_manifest
from builder.network import load_config
from tests.builder.tensorrt.conftest import ALL_TARGETS, ROOT, Build
from tests.generated_weights import write_generated_weights

CONFIGS = ROOT / "tests" / "configs"
R50 = "COCO-InstanceSegmentation/mask_rcnn_R_50_C4_1x.yaml"
R101 = "COCO-InstanceSegmentation/mask_rcnn_R_101_C4_3x.yaml"
FASTER_R50 = "COCO-Detection/faster_rcnn_R_50_C4_1x.yaml"
CANVASES = [(800, 1344, 3), (1344, 800, 3), (1344, 1344, 3)]
MOST_BYTES = 6 * 10**9


@pytest.mark.long
@pytest.mark.parametrize(
    ("config", "precision", "targets"),
    [
        (R50, "fp16", ALL_TARGETS),
        *((R50, "fp16", (target,)) for target in ALL_TARGETS),
        (R50, "fp32", ALL_TARGETS),
        (R101, "fp16", ALL_TARGETS),
        (FASTER_R50, "fp16", ALL_TARGETS),
    ],
)
def test_all_canvases_compile_without_a_gpu_in_little_memory(
    build_plan: Callable[..., Build],
    tmp_path: Path,
    config: str,
    precision: str,
    targets: tuple[str, ...],
) -> None:
    weights = write_generated_weights(tmp_path / "weights.pkl", load_config(CONFIGS / config))
    build = build_plan(
        tmp_path / "repository",
        *("--config", CONFIGS / config),
        *("--weights", weights),
        *("--precision", precision),
        *("--compute-capability", *targets),
    )
    assert build.peak_bytes < MOST_BYTES
    plan = read_manifest(build.repository / "mask_rcnn_network" / "1" / MANIFEST).plan
    assert plan is not None
    assert plan.compute_capabilities == targets
    assert [profile.min["canvas"] for profile in plan.profiles] == [(1, *c) for c in CANVASES]
    assert [profile.max["canvas"] for profile in plan.profiles] == [(8, *c) for c in CANVASES]
