"""What a build writes into its manifest; `tests/artifact/test_manifest.py` has the format."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from artifact.manifest import MANIFEST, read_manifest
from builder import __version__
from builder.network.version import network_version

DEMO = Path(__file__).resolve().parents[2] / "demo"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_it_identifies_weights_configuration_and_network(demo_repository: Path) -> None:
    folder = demo_repository / "mask_rcnn_network" / "1"
    build = read_manifest(folder / MANIFEST)
    assert build.weights.sha256 == sha256((DEMO / "mask_rcnn_R_50_C4_shapes.pkl").read_bytes())
    assert build.onnx.sha256 == sha256((folder / "model.onnx").read_bytes())
    assert (build.model, build.num_classes) == ("Mask R-CNN R50-C4", 8)
    assert build.configuration["MODEL.RPN.PRE_NMS_TOPK_TEST"] == 1000
    canonical = json.dumps(build.configuration, sort_keys=True).encode()
    assert build.configuration_sha256 == sha256(canonical)
    assert (build.builder_version, build.network_version) == (__version__, network_version())
    assert build.plan is None
