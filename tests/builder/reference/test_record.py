"""What a build records for `client check`."""

from __future__ import annotations

import base64
import io
import sys
from pathlib import Path

import pytest
from google.protobuf import text_format
from PIL import Image
from tritonclient.grpc.model_config_pb2 import ModelConfig

from artifact.manifest import MANIFEST, read_manifest
from artifact.names import ModelNames
from artifact.reference import PARAMETER, Reference, read_reference
from builder.reference.record import MOST_DETECTIONS
from tests.demo_build import build_demo

MOST_BYTES = 64 << 10


def reference_of(repository: Path) -> Reference:
    text = (repository / "mask_rcnn" / "config.pbtxt").read_text()
    assert len(text) < MOST_BYTES, "every client reads it"
    config = text_format.Parse(text, ModelConfig())
    return read_reference(config.parameters[PARAMETER].string_value)


def test_the_ensemble_carries_what_was_built_and_what_it_answers(demo_repository: Path) -> None:
    reference = reference_of(demo_repository)
    names = ModelNames()
    manifest = read_manifest(demo_repository / names.network_folder / MANIFEST)
    assert (reference.model, reference.precision) == (manifest.model, manifest.precision)
    assert reference.weights == manifest.weights
    assert reference.parameters[names.network] == {"onnx_sha256": manifest.onnx.sha256}
    assert set(reference.tensors) == set(names)
    for answer, count in zip(reference.answers, (19, 29), strict=True):
        picture = Image.open(io.BytesIO(base64.b64decode(answer.picture)))
        assert picture.format == "PNG", "a JPEG is not decoded alike everywhere"
        width, height = picture.size
        assert (height > width) == (answer.image_size[0] > answer.image_size[1])
        assert answer.num_detections == count
        assert len(answer.detections) == min(count, MOST_DETECTIONS)
        scores = [detection.score for detection in answer.detections]
        assert scores == sorted(scores, reverse=True)
        assert scores[0] > 0.99 > 0.2 > scores[-1]
        for detection in answer.detections:
            assert detection.mask
            assert detection.keypoints is None
            x1, y1, x2, y2 = detection.box
            assert 0 <= x1 < x2 <= width
            assert 0 <= y1 < y2 <= height


@pytest.mark.parametrize("package", ["onnxruntime", "cv2"])
def test_a_build_without_onnx_runtime_goes_on_and_says_what_is_left_out(
    package: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from builder.repository import served_code

    # As in a process that has imported neither so far.
    monkeypatch.delitem(sys.modules, "builder.reference.record", raising=False)
    monkeypatch.setattr(served_code, "_imported", type(served_code._imported)(dict))
    monkeypatch.setitem(sys.modules, package, None)
    repository = build_demo(tmp_path / "repository")
    assert reference_of(repository).answers == ()
    assert (
        f"reference      left out: {package} is not installed: pip install onnxruntime "
        "opencv-python-headless pillow pycocotools\n"
    ) in capsys.readouterr().out
