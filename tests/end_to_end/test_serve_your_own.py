"""README's "serve your own": three commands from a zoo checkpoint to COCO's table.

On two pictures: at full size one takes two CPU cores a quarter of a minute, which is left to
`make test-long`.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from builder.repository.categories import COCO_CATEGORIES
from tests.changed_config import write_changed_config
from tests.end_to_end.conftest import SMALL_PICTURES

ROOT = Path(__file__).parents[2]
PATIENCE_SECS = 600

Command = list[str | Path]


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(SMALL_PICTURES, id="small pictures"),
        pytest.param({}, id="full size", marks=pytest.mark.long),
    ],
)
def test_three_commands_build_serve_and_evaluate_a_zoo_checkpoint(
    settings: dict[str, int], r50_c4_config: Path, r50_c4_weights: Path, coco: Path, tmp_path: Path
) -> None:
    config = write_changed_config(tmp_path / "config.yaml", r50_c4_config, settings)
    repository, output = tmp_path / "repository", tmp_path / "evaluation"
    annotations = coco / "annotations" / "instances_val2017.json"
    build: Command = ["--config", config, "--weights", r50_c4_weights]
    build += ["--repository", repository]
    serve: Command = ["--repository", repository, "--model-config-name", "onnxruntime"]
    evaluate: Command = ["--images", coco / "val2017", "--annotations", annotations]
    evaluate += ["--output", output]

    built = run("builder", "build", *build)
    assert "Mask R-CNN R50-C4, 35,936,172 parameters" in built
    assert "python -m server --repository" in built

    free_ports = ["--http-port", "0", "--grpc-port", "0", "--metrics-port", "0"]
    with (
        (tmp_path / "server.stderr").open("w+") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "server", *serve, *free_ports],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as server,
    ):
        try:
            assert server.stdout is not None
            if not server.stdout.readline().startswith("Ready: mask_rcnn,"):
                pytest.fail((tmp_path / "server.stderr").read_text())
            url = server.stdout.readline().split()[1]
            evaluated = run(
                "client", "evaluate", *evaluate, "--url", url, "--timeout", str(PATIENCE_SECS)
            )
            server.send_signal(signal.SIGTERM)
            server.communicate(timeout=PATIENCE_SECS)
        finally:
            server.kill()
    assert server.returncode == 0, (tmp_path / "server.stderr").read_text()

    assert evaluated.count("Average Precision") == 12
    assert evaluated.splitlines()[-1].startswith("box AP ")
    summary = json.loads((output / "summary.json").read_text())
    assert summary["complete"]
    assert summary["images"] == 2
    assert {"AP", "AP50", "AP-person"} <= summary["bbox"].keys() & summary["segm"].keys()
    results = json.loads((output / "coco_instances_results.json").read_text())
    assert len(results) == summary["detections"]
    images = json.loads(annotations.read_text())["images"]
    sizes = {image["id"]: [image["height"], image["width"]] for image in images}
    assert {result["image_id"] for result in results} == sizes.keys()
    for result in results:
        assert result["category_id"] in {category.id for category in COCO_CATEGORIES}
        assert 0.05 < result["score"] <= 1
        assert result["segmentation"]["size"] == sizes[result["image_id"]]


def run(*command: str | Path) -> str:
    """What ``python -m`` prints."""
    process = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    return process.stdout
