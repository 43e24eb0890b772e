"""Where the network's time goes, by operator and by node: `python -m perf.studies.profile_network`.

The node names carry the path of the module, so the table reads like the network. Kernels are
launched one at a time (CUDA_LAUNCH_BLOCKING), so that each node's time is its own: the sum is
longer than an ordinary run takes.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from builder.repository.write import NETWORK_ONNX

WARM_UP, RUNS = 3, 10


def node_events(model: Path, batch: int, height: int, width: int) -> list[dict[str, Any]]:
    """ONNX Runtime's own record of each node of each of `RUNS` runs on a random canvas."""
    os.environ["CUDA_LAUNCH_BLOCKING"] = "1"  # read when CUDA starts
    import onnxruntime as ort

    from perf.studies.cuda_session import cuda_session

    rng = np.random.default_rng(0)
    canvas = rng.integers(0, 256, (batch, height, width, 3), np.uint8)
    feeds = {"canvas": canvas, "image_size": np.full((batch, 2), (height, width), np.int32)}
    with tempfile.TemporaryDirectory() as folder:
        options = ort.SessionOptions()
        options.enable_profiling = True
        options.profile_file_prefix = f"{folder}/profile"
        session = cuda_session(model, options)
        for _ in range(WARM_UP + RUNS):
            session.run(None, feeds)
        events = json.loads(Path(session.end_profiling()).read_text())
    return [e for e in events if e.get("cat") == "Node" and e["name"].endswith("_kernel_time")]


def milliseconds(events: list[dict[str, Any]]) -> tuple[dict[str, float], dict[str, float]]:
    """Time of a run by operator and by node; a loop's time holds that of the nodes in it."""
    operators: collections.Counter[str] = collections.Counter()
    nodes: collections.Counter[str] = collections.Counter()
    warm_up = len(events) * WARM_UP // (WARM_UP + RUNS)
    for event in events[warm_up:]:
        name = re.sub(r"(_token_\d+)?_kernel_time$", "", event["name"])
        operators[event["args"]["op_name"]] += event["dur"] / 1e3 / RUNS
        nodes[name] += event["dur"] / 1e3 / RUNS
    return dict(operators.most_common()), dict(nodes.most_common())


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m perf.studies.profile_network", description=__doc__
    )
    parser.add_argument("--repository", type=Path, required=True, metavar="DIR")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--canvas", default="800x1344", metavar="HEIGHTxWIDTH")
    parser.add_argument("--top", type=int, default=20, help="lines of each table (%(default)s)")
    options = parser.parse_args()
    model = options.repository / NETWORK_ONNX
    if not model.is_file():
        print(f"error: there is no {model}; build the repository first", file=sys.stderr)
        return 1
    height, width = map(int, options.canvas.split("x"))
    operators, nodes = milliseconds(node_events(model, options.batch, height, width))
    print(f"{model}, batch {options.batch}, canvas {options.canvas}, ms a run\n")
    for table in (operators, nodes):
        for name, time in list(table.items())[: options.top]:
            print(f"{time:9.2f}  {name}")
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
