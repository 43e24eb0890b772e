"""What a build writes into its manifest; `tests/artifact/test_manifest.py` has the format."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from artifact.manifest import MANIFEST, read_manifest
from builder import __version__, build_record
from builder.build_record import NETWORK_CODE, network_version

DEMO = Path(__file__).resolve().parents[2] / "demo"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_it_identifies_weights_configuration_and_network(demo_repository: Path) -> None:
    folder = demo_repository / "mask_rcnn_network" / "1"
    build = read_manifest(folder / MANIFEST)
    assert build.weights.sha256 == sha256((DEMO / "mask_rcnn_R_50_C4_shapes.pkl").read_bytes())
    assert build.onnx.sha256 == sha256((folder / "model.onnx").read_bytes())
    assert build.configuration["rpn_pre_nms_topk"] == 1000
    canonical = json.dumps(build.configuration, sort_keys=True).encode()
    assert build.configuration_sha256 == sha256(canonical)
    assert (build.builder_version, build.network_version) == (__version__, network_version())
    assert build.plan is None


def test_the_networks_version_is_that_of_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = network_version()
    code = shutil.copytree(NETWORK_CODE, tmp_path / "network")
    monkeypatch.setattr(build_record, "NETWORK_CODE", code)
    assert network_version() == before
    (code / "nms.py").write_text("STRIP = 2000\n")
    assert network_version() != before
