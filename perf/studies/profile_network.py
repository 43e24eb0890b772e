"""Where the network's time goes, by operator and by node.

The node names carry the path of the module, so the table reads like the network. Kernels are
launched one at a time (CUDA_LAUNCH_BLOCKING), so that each node's time is its own: the sum is
longer than an ordinary run takes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from artifact.names import ONNX, ModelNames
from perf.studies.arguments import Commands, add_build, positive
from perf.studies.network_session import faults_of, import_onnxruntime, network_session

WARM_UP, RUNS = 3, 10


def add_command(commands: Commands) -> None:
    """Adds ``profile-network``."""
    parser = commands.add_parser(
        "profile-network",
        help="where the network's time goes, by operator and by node",
        description=__doc__,
    )
    parser.set_defaults(command=_run)
    add_build(parser)
    parser.add_argument(
        "--batch", type=positive, default=8, metavar="N", help="pictures (default: %(default)s)"
    )
    parser.add_argument(
        "--canvas",
        type=_height_and_width,
        default="800x1344",
        metavar="HEIGHTxWIDTH",
        help="default: %(default)s",
    )
    parser.add_argument(
        "--top",
        type=positive,
        default=20,
        metavar="N",
        help="lines of each table (default: %(default)s)",
    )


def _run(options: argparse.Namespace) -> None:
    height, width = options.canvas
    names = ModelNames(options.model)
    events = _node_events(options.repository, names, (options.batch, height, width, 3))
    model = options.repository / names.network_folder / ONNX
    print(f"{model}, batch {options.batch}, canvas {height}x{width}, ms a run\n")
    for table in _milliseconds(events):
        for name, time in sorted(table.items(), key=lambda row: -row[1])[: options.top]:
            print(f"{time:9.2f}  {name}")
        print()


def _node_events(
    repository: Path, names: ModelNames, canvas_shape: tuple[int, ...]
) -> list[dict[str, Any]]:
    """ONNX Runtime's own record of each node of each run on a random canvas."""
    os.environ["CUDA_LAUNCH_BLOCKING"] = "1"  # read when CUDA starts
    rng = np.random.default_rng(0)
    batch, height, width, _ = canvas_shape
    inputs = {
        "canvas": rng.integers(0, 256, canvas_shape, np.uint8),
        "image_size": np.full((batch, 2), (height, width), np.int32),
    }
    with tempfile.TemporaryDirectory() as folder:
        options = import_onnxruntime().SessionOptions()
        options.enable_profiling = True
        options.profile_file_prefix = f"{folder}/profile"
        session = network_session(repository, names, options)
        with faults_of(repository / names.network_folder / ONNX):
            for _ in range(WARM_UP + RUNS):
                session.run(None, inputs)
        events = json.loads(Path(session.end_profiling()).read_text())
    return [e for e in events if e.get("cat") == "Node" and e["name"].endswith("_kernel_time")]


def _milliseconds(events: list[dict[str, Any]]) -> tuple[dict[str, float], dict[str, float]]:
    """Time of a run by operator and by node; a loop's time holds that of the nodes in it."""
    operators: defaultdict[str, float] = defaultdict(float)
    nodes: defaultdict[str, float] = defaultdict(float)
    warm_up = len(events) * WARM_UP // (WARM_UP + RUNS)
    for event in events[warm_up:]:
        name = re.sub(r"(_token_\d+)?_kernel_time$", "", event["name"])
        operators[event["args"]["op_name"]] += event["dur"] / 1e3 / RUNS
        nodes[name] += event["dur"] / 1e3 / RUNS
    return operators, nodes


def _height_and_width(text: str) -> tuple[int, int]:
    sides = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if sides is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not HEIGHTxWIDTH, such as 800x1344")
    return int(sides[1]), int(sides[2])
