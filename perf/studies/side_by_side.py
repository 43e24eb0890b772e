"""This server beside detectron2, on one GPU, in one run: `python -m perf.studies.side_by_side`.

Both have the same weights and the same JPEG files and both end with results in COCO's format:
detectron2 with its own evaluation loop (one picture at a time, with and without loader workers),
this server asked by its evaluation client at several numbers of requests in flight. The model
alone is timed as well, at batch 1 and 8. Only ratios within one such run mean anything.

detectron2 must be installed, with PyTorch, for the Python that --detectron2-python names.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from builder.repository.models import NETWORK
from builder.repository.write import NETWORK_ONNX
from client.connection import settings
from client.errors import ClientError
from client.evaluate import evaluate
from perf.errors import PerfError
from perf.runner.connection import Connection
from perf.runner.input_data import Step, choose_pictures, of_one_shape, tensors_for
from perf.runner.machine import describe_machine, describe_versions
from perf.studies.cuda_session import cuda_session
from server.errors import ServerError
from server.launch import TritonServer

LOOP = Path(__file__).with_name("detectron2_loop.py")
BATCHES = (1, 8)
WARM_UP, RUNS = 5, 20


def detectron2_figures(options: argparse.Namespace) -> dict[str, Any]:
    """What `detectron2_loop.py` prints.

    Raises:
        PerfError: if it fails, with its last lines.
    """
    command = [options.detectron2_python, str(LOOP)]
    command += ["--workers", str(options.workers), "--pictures", str(options.pictures)]
    for name in ("config", "weights", "images", "annotations"):
        command += [f"--{name}", str(getattr(options, name))]
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise PerfError(f"--detectron2-python {options.detectron2_python}: {error}") from error
    if run.returncode != 0:
        raise PerfError(
            f"detectron2's loop ended with exit code {run.returncode}; it needs detectron2, "
            f"PyTorch and a GPU. Its last lines:\n{run.stderr[-2000:]}"
        )
    figures: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return figures


def served_figures(options: argparse.Namespace) -> tuple[dict[str, float], list[Step]]:
    """Pictures per second through the served ensemble by requests in flight, and the network's
    inputs for a batch of pictures of one canvas."""
    rates = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        TritonServer(options.repository, model_config_name="onnxruntime_cuda") as server,
    ):
        for concurrency in (options.concurrency[0], *options.concurrency):  # the first warms up
            output = Path(folder) / "evaluation"
            summary = evaluate(
                options.images,
                options.annotations,
                settings.Connection(server.grpc_url, concurrency=concurrency),
                output=output,
                progress=False,
            )
            assert summary.images_per_second is not None
            rates[str(concurrency)] = summary.images_per_second
            shutil.rmtree(output)
        with Connection(server.grpc_url) as connection:
            pictures = choose_pictures(options.images, 4 * max(BATCHES))
            steps = {p: tensors_for(connection, NETWORK, p) for p in pictures}
    return rates, list(of_one_shape(steps).values())


def network_figures(options: argparse.Namespace, steps: list[Step]) -> dict[str, float]:
    """Median milliseconds of ONNX Runtime on CUDA, all inputs and outputs on the device."""
    session = cuda_session(options.repository / NETWORK_ONNX)
    figures = {}
    for batch in BATCHES:
        binding = session.io_binding()
        for name in steps[0]:
            array = np.concatenate([step[name] for step in steps[:batch]])
            binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(array, "cuda", 0))
        for output in session.get_outputs():
            binding.bind_output(output.name, "cuda")
        times = []
        for _ in range(WARM_UP + RUNS):
            started = time.perf_counter()
            session.run_with_iobinding(binding)
            binding.synchronize_outputs()
            times.append(1e3 * (time.perf_counter() - started))
        figures[f"model_ms_batch_{batch}"] = statistics.median(times[WARM_UP:])
    return figures


def table(detectron2: dict[str, Any], served: dict[str, float], network: dict[str, float]) -> str:
    """The figures, and the ratios of this server's best to detectron2's."""
    best = max(served.values())
    lines = [f"{'JPEG to COCO results':44}{'images/s':>10}{'served is':>12}"]
    for precision in ("fp32", "fp16"):
        for key, label in (
            ("images_per_second", "one process"),
            ("images_per_second_with_workers", f"{detectron2['workers']} loader workers"),
        ):
            rate = detectron2[precision][key]
            name = f"detectron2 {precision}, {label}"
            lines.append(f"{name:44}{rate:10.1f}{best / rate:11.2f}x")
    for concurrency, rate in served.items():
        lines.append(f"{f'served, {concurrency} requests in flight':44}{rate:10.1f}")
    lines.append(f"\n{'the model alone':44}{'batch 1':>10}{'batch 8':>12}")
    rows = {
        "detectron2 fp32 (no masks pasted)": detectron2["fp32"],
        "detectron2 fp16 (no masks pasted)": detectron2["fp16"],
        "ONNX Runtime, CUDA": network,
    }
    for name, figures in rows.items():
        one, eight = (figures[f"model_ms_batch_{batch}"] for batch in BATCHES)
        lines.append(f"{name:44}{one:7.1f} ms{eight:9.1f} ms")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m perf.studies.side_by_side", description=__doc__
    )
    parser.add_argument("--config", type=Path, required=True, help="detectron2's YAML")
    parser.add_argument("--weights", type=Path, required=True, help="its weights")
    parser.add_argument("--repository", type=Path, required=True, help="built from the two")
    parser.add_argument("--images", type=Path, required=True, help="folder of JPEG files")
    parser.add_argument("--annotations", type=Path, required=True, help="their COCO-format JSON")
    parser.add_argument("--detectron2-python", default=sys.executable, help="a Python that has it")
    parser.add_argument("--workers", type=int, default=4, help="detectron2's loader (%(default)s)")
    parser.add_argument(
        "--pictures", type=int, default=256, help="for detectron2, of all (%(default)s)"
    )
    parser.add_argument("--concurrency", type=int, nargs="+", default=[16, 32, 64])
    parser.add_argument("--output", type=Path, default=Path("side_by_side.json"))
    options = parser.parse_args()
    try:
        served, steps = served_figures(options)
        network = network_figures(options, steps)
        detectron2 = detectron2_figures(options)
    except (PerfError, ServerError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    figures = {
        "machine": describe_machine(),
        "versions": describe_versions(),
        "detectron2": detectron2,
        "served_images_per_second": served,
        "network": network,
    }
    options.output.write_text(json.dumps(figures, indent=1) + "\n")
    print(table(detectron2, served, network))
    print(f"\nall figures and the machine: {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
