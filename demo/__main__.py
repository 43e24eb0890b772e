"""The whole main job on the demo data: build, serve, evaluate, predict. Run as `python -m demo`.

Each step is a command that works by hand too; it is shown before it runs. At the end the accuracy
is held against detectron2's own on the same pictures; exit code 1 if it differs.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from server.errors import ServerError
from server.launch import TritonServer

DEMO = Path(__file__).parent.resolve()
OUTPUT = DEMO / "output"
TOLERANCE = 0.02
"""AP points by which the served model may differ from detectron2 itself."""


def run(step: str, *command: str | Path) -> None:
    """Shows a step and its command, runs it, and ends the demo if it fails."""
    print(f"\n=== {step}\n$ {shlex.join(['python', '-m', *map(shorten, command)])}", flush=True)
    code = subprocess.call([sys.executable, "-m", *map(str, command)], cwd=DEMO.parent)
    if code != 0:
        raise SystemExit(f"error: the step above ended with exit code {code}")


def shorten(argument: str | Path) -> str:
    """Paths inside the repository, as one would type them at its root."""
    return os.path.relpath(argument, DEMO.parent) if isinstance(argument, Path) else argument


def compare(summary: Path) -> bool:
    """Prints the served model's AP beside detectron2's; True if they agree."""
    served = json.loads(summary.read_text())
    reference = json.loads((DEMO / "detectron2_metrics.json").read_text())
    print("\n=== The same pictures and weights in detectron2 itself")
    print(f"{'':14}{'served':>9}{'detectron2':>12}{'difference':>12}")
    agree = True
    for task, label in (("bbox", "box"), ("segm", "mask")):
        for metric in ("AP", "AP50"):
            ours, theirs = served[task][metric], reference[task][metric]
            agree &= abs(ours - theirs) <= TOLERANCE
            print(f"{label + ' ' + metric:14}{ours:9.3f}{theirs:12.3f}{ours - theirs:+12.4f}")
    return agree


def main(pictures: Sequence[Path]) -> int:
    shutil.rmtree(OUTPUT, ignore_errors=True)
    repository = OUTPUT / "model_repository"
    build: list[str | Path] = ["builder", "build"]
    build += ["--config", DEMO / "mask_rcnn_R_50_C4_shapes.yaml"]
    build += ["--weights", DEMO / "mask_rcnn_R_50_C4_shapes.pkl"]
    build += ["--categories", DEMO / "val/instances.json", "--repository", repository]
    run("Build a Triton model repository from a detectron2 configuration and its weights", *build)
    print("\n=== Serve it (stopped when the demo ends)")
    print(f"$ python -m server --repository {shorten(repository)} --model-config-name onnxruntime")
    with TritonServer(repository, model_config_name="onnxruntime") as server:
        print(f"tritonserver is ready: gRPC {server.grpc_url}, HTTP {server.http_url}")
        evaluate: list[str | Path] = ["client", "evaluate", "--url", server.grpc_url]
        evaluate += ["--images", DEMO / "val/images", "--annotations", DEMO / "val/instances.json"]
        run(
            "Send 64 pictures and evaluate the answers as COCO does",
            *evaluate,
            "--output",
            OUTPUT / "evaluation",
        )
        predict: list[str | Path] = ["client", "predict", "--url", server.grpc_url, *pictures]
        run("Draw what was found", *predict, "--output", OUTPUT / "pictures")
    agree = compare(OUTPUT / "evaluation/summary.json")
    print(f"\nPictures with boxes and masks: {OUTPUT / 'pictures'}")
    print(f"Everything that was measured:  {OUTPUT / 'evaluation/summary.json'}")
    if not agree:
        print(f"error: AP differs from detectron2's by more than {TOLERANCE}", file=sys.stderr)
    return 0 if agree else 1


if __name__ == "__main__":
    try:
        raise SystemExit(main(sorted((DEMO / "val/images").glob("*.jpg"))[:12]))
    except ServerError as error:
        raise SystemExit(f"error: {error}") from None
