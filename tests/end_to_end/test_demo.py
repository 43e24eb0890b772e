"""`make demo`, and what the demo's AP is under the other resize."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from client.connection.settings import Connection
from client.evaluate import evaluate
from server.launch import TritonServer
from tests.recording_proxy import RecordingProxy

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "demo"
MODELS = ("mask_rcnn_R_50_C4_shapes", "mask_rcnn_R_50_FPN_shapes")


def test_the_demo_reaches_detectron2s_ap_and_leaves_its_pictures(
    proxy: RecordingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY")  # the tests' own
    run = subprocess.run(
        [sys.executable, "-m", "demo"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    assert proxy.asked == []
    assert str(DEMO / "output/*/pictures") in run.stdout
    assert sorted(folder.name for folder in (DEMO / "output").iterdir()) == [
        *MODELS,
        "model_repository",
    ]
    for model in MODELS:
        output = DEMO / "output" / model
        reference = json.loads((DEMO / f"{model}.metrics.json").read_text())
        summary = json.loads((output / "evaluation" / "summary.json").read_text())
        assert summary["complete"]
        assert summary["images"] == 64
        for task in ("bbox", "segm"):
            for metric in ("AP", "AP50", "AP75", "APs", "APm", "APl"):
                difference = abs(summary[task][metric] - reference[task][metric])
                assert difference <= 0.005, (model, task, metric)
        drawn = sorted((output / "pictures").glob("*.png"))
        assert len(drawn) == 12
        with Image.open(drawn[0]) as found, Image.open(DEMO / "val/images/000000.jpg") as original:
            assert found.size == original.size
            assert found.convert("RGB").tobytes() != original.convert("RGB").tobytes()


@pytest.mark.long
def test_opencvs_resize_costs_little_ap(demo_repository: Path, tmp_path: Path) -> None:
    repository = shutil.copytree(demo_repository, tmp_path / "repository")
    config = repository / "mask_rcnn_preprocess/config.pbtxt"
    pillow = 'key: "resize" value: { string_value: "pillow" }'
    assert pillow in config.read_text()
    config.write_text(config.read_text().replace(pillow, pillow.replace("pillow", "opencv")))
    with TritonServer(repository, model_config_name="onnxruntime") as server:
        summary = evaluate(
            DEMO / "val/images",
            DEMO / "val/instances.json",
            Connection(server.grpc_url),
            output=tmp_path / "evaluation",
        )
    reference = json.loads((DEMO / "mask_rcnn_R_50_C4_shapes.metrics.json").read_text())
    for task in ("bbox", "segm"):
        ap = summary.metrics[task].values["AP"]
        assert abs(ap - reference[task]["AP"]) <= 0.15
        assert ap != reference[task]["AP"]
