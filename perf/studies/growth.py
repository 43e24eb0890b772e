"""How the network's time and memory grow with proposals, detections, pictures and batches.

Each value is a network of its own, in ONNX Runtime on the CPU: one thread, in a new process. The
time is the processor's, so that a busy machine tells the same as a quiet one; the memory is the
most that the process held, ONNX Runtime and the weights included. The score threshold is 0, so that
there is a detection for every place.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from client.charts.curve import Line, Point, line_chart
from client.charts.document import document
from perf.errors import PerfError
from perf.input_data import choose_pictures
from perf.report.page import STYLE
from perf.runner.machine import describe_machine, describe_versions
from perf.studies.arguments import Commands, add_checkpoint, add_images, positive
from perf.studies.network_session import import_onnxruntime

RUNS = 3


@dataclass(frozen=True)
class Axis:
    """What grows, and detectron2's settings for a value of it."""

    title: str
    values: Sequence[int]
    settings: Callable[[int], dict[str, Any]] = lambda _: {}


def _sizes(short_side: int) -> dict[str, Any]:
    return {"INPUT": {"MIN_SIZE_TEST": short_side, "MAX_SIZE_TEST": short_side * 5 // 3}}


BATCH = Axis("pictures in a batch", (1, 2, 4, 8))
AXES = (
    Axis(
        "proposals",
        (100, 250, 500, 1000),
        lambda value: {"MODEL": {"RPN": {"POST_NMS_TOPK_TEST": value}}},
    ),
    Axis(
        "detections",
        (10, 30, 100, 300),
        lambda value: {"TEST": {"DETECTIONS_PER_IMAGE": value}},
    ),
    Axis("short side of the picture, pixels", (200, 400, 600, 800), _sizes),
    BATCH,
)


@dataclass(frozen=True)
class Cost:
    """Of one batch."""

    milliseconds: float
    megabytes: float


def add_command(commands: Commands) -> None:
    """Adds ``growth``."""
    parser = commands.add_parser(
        "growth", help="how the network's time and memory grow", description=__doc__
    )
    parser.set_defaults(command=_run)
    add_checkpoint(parser)
    add_images(parser)
    parser.add_argument(
        "--pictures",
        type=positive,
        default=4,
        metavar="N",
        help="so many of them, one after the other (default: %(default)s)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("growth.html"),
        metavar="FILE",
        help="a page with the curves (default: %(default)s)",
    )


def _run(options: argparse.Namespace) -> None:
    pictures = choose_pictures(options.images, options.pictures)
    costs = {}
    for axis in AXES:
        for value in axis.values:
            cost = costs[axis.title, value] = _cost(options, axis, value, pictures)
            print(
                f"{value:5} {axis.title:34} {cost.milliseconds:9.1f} ms {cost.megabytes:8.0f} MB",
                flush=True,
            )
    machine, versions = describe_machine(), describe_versions()
    setting = (
        f"{options.config.name}, fp32, ONNX Runtime {versions['onnxruntime']}, one thread of "
        f"{machine.cpu}; medians of {RUNS} runs over {len(pictures)} pictures"
    )
    options.output.write_text(_page(setting, costs))
    print(f"{setting}\ncurves: {options.output}")


def _cost(options: argparse.Namespace, axis: Axis, value: int, pictures: Sequence[Path]) -> Cost:
    """Of the network with one setting changed."""
    from builder.errors import BuildError
    from builder.network import export_onnx, load_config, network_spec
    from builder.quantization.pictures import network_inputs
    from builder.weights import load_weights

    with tempfile.TemporaryDirectory() as scratch:
        changed = Path(scratch, "config.yaml")
        settings: dict[str, Any] = {
            "_BASE_": str(options.config.resolve()),
            "MODEL": {"ROI_HEADS": {"SCORE_THRESH_TEST": 0.0}},
        }
        for group, changes in axis.settings(value).items():
            settings[group] = {**settings.get(group, {}), **changes}
        changed.write_text(yaml.safe_dump(settings))
        try:
            config = load_config(changed)
            weights = load_weights(options.weights, network_spec(config).parameters)
            model = export_onnx(config, weights).SerializeToString()
            inputs = [network_inputs(picture, config) for picture in pictures]
        except BuildError as error:
            raise PerfError(str(error)) from None
        Path(scratch, "model.onnx").write_bytes(model)
        for number, batch in enumerate(inputs):
            if axis is BATCH:
                batch = {name: np.repeat(array, value, axis=0) for name, array in batch.items()}
            np.savez(Path(scratch, f"{number}.npz"), **batch)
        done = subprocess.run(
            [sys.executable, "-m", "perf.studies.growth", scratch],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise PerfError(f"{value} {axis.title}: ONNX Runtime ended with {done.stderr[-2000:]}")
    return Cost(**json.loads(done.stdout))


def _measure(folder: Path) -> Cost:
    """Of the network in a folder, in this process, which has done nothing else."""
    ort = import_onnxruntime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(
        folder / "model.onnx", options, providers=["CPUExecutionProvider"]
    )
    batches = [dict(np.load(file)) for file in sorted(folder.glob("*.npz"))]
    times = []
    for _ in range(1 + RUNS):
        started = time.process_time()
        for batch in batches:
            session.run(None, batch)
        times.append(1e3 * (time.process_time() - started) / len(batches))
    return Cost(statistics.median(times[1:]), _most_memory())


def _most_memory() -> float:
    """What this program has held at most, in megabytes.

    Not getrusage's, which begins with what the process that started it held.
    """
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1000


def _page(setting: str, costs: dict[tuple[str, int], Cost]) -> str:
    charts = []
    for name, unit, style in (("milliseconds", "ms", "p50"), ("megabytes", "MB", "p95")):
        charts.append(f'<h2>{name.capitalize()} of a batch</h2><div class="columns">')
        for axis in AXES:
            points = [
                Point(value, getattr(costs[axis.title, value], name)) for value in axis.values
            ]
            charts.append(f"<div>{line_chart([Line(name, style, points)], axis.title, unit)}</div>")
        charts.append("</div>")
    title = "How the network's cost grows"
    head = f'<h1>{title}</h1><p class="note">{escape(setting)}</p>'
    return document(title, "\n".join([head, *charts]), STYLE)


if __name__ == "__main__":
    print(json.dumps(vars(_measure(Path(sys.argv[1])))))
