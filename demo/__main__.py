"""The whole main job on the demo data: build, serve, evaluate, predict. Run as `python -m demo`.

Two models, C4 and FPN, share a repository and a server. Each step is a command that works by hand
too; it is shown before it runs. At the end each model's accuracy is held against detectron2's own
on the same pictures; exit code 1 if it differs.
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

from artifact.system_errors import in_words
from server.errors import ServerError
from server.launch import TritonServer

DEMO = Path(__file__).parent.resolve()
OUTPUT = DEMO / "output"
REPOSITORY = OUTPUT / "model_repository"
PICTURES, ANNOTATIONS = DEMO / "val" / "images", DEMO / "val" / "instances.json"
MODELS = ("mask_rcnn_R_50_C4_shapes", "mask_rcnn_R_50_FPN_shapes")
"""The files of each are named after it, and it is served under its name."""
DRAWN = 12
"""Pictures of each model that are drawn."""
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


def build(model: str) -> None:
    run(
        f"Build {model} into a Triton model repository, from its configuration and weights",
        *("builder", "build", "--config", DEMO / f"{model}.yaml"),
        *("--weights", DEMO / f"{model}.pkl", "--categories", ANNOTATIONS),
        *("--name", model, "--repository", REPOSITORY),
    )


def evaluate(model: str, url: str) -> None:
    run(
        f"Send 64 pictures to {model} and evaluate the answers as COCO does",
        *("client", "evaluate", "--url", url, "--model", model, "--images", PICTURES),
        *("--annotations", ANNOTATIONS, "--output", OUTPUT / model / "evaluation"),
    )


def predict(model: str, url: str, pictures: Sequence[Path]) -> None:
    run(
        f"Draw what {model} finds",
        *("client", "predict", "--url", url, "--model", model),
        *pictures,
        *("--output", OUTPUT / model / "pictures"),
    )


def compare(model: str) -> bool:
    """Prints the served model's AP beside detectron2's; True if they agree."""
    served = json.loads((OUTPUT / model / "evaluation" / "summary.json").read_text())
    reference = json.loads((DEMO / f"{model}.metrics.json").read_text())
    print(f"\n{model:28}{'served':>9}{'detectron2':>12}{'difference':>12}")
    agree = True
    for task, label in (("bbox", "box"), ("segm", "mask")):
        for metric in ("AP", "AP50"):
            ours, theirs = served[task][metric], reference[task][metric]
            agree &= abs(ours - theirs) <= TOLERANCE
            print(f"  {label + ' ' + metric:26}{ours:9.3f}{theirs:12.3f}{ours - theirs:+12.4f}")
    return agree


def main() -> int:
    shutil.rmtree(OUTPUT, ignore_errors=True)
    for model in MODELS:
        build(model)
    print("\n=== Serve both (stopped when the demo ends)")
    print(f"$ python -m server --repository {shorten(REPOSITORY)} --model-config-name onnxruntime")
    with TritonServer(REPOSITORY, model_config_name="onnxruntime") as server:
        print(f"tritonserver is ready: gRPC {server.grpc_url}, HTTP {server.http_url}")
        for model in MODELS:
            evaluate(model, server.grpc_url)
        for model in MODELS:
            predict(model, server.grpc_url, sorted(PICTURES.glob("*.jpg"))[:DRAWN])
    print("\n=== The same pictures and weights in detectron2 itself")
    agree = all([compare(model) for model in MODELS])
    print(f"\nPictures with boxes and masks: {OUTPUT / '*' / 'pictures'}")
    print(f"What the evaluations found:    {OUTPUT / '*' / 'evaluation' / 'report.html'}")
    print(f"Everything that was measured:  {OUTPUT / '*' / 'evaluation' / 'summary.json'}")
    if not agree:
        print(f"error: AP differs from detectron2's by more than {TOLERANCE}", file=sys.stderr)
    return 0 if agree else 1


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except ServerError as error:
        raise SystemExit(f"error: {error}") from None
    except OSError as error:
        raise SystemExit(f"error: {in_words(error)}") from None
