"""This server beside detectron2, on one GPU, in one run.

Both have the same weights and the same JPEG files and both end with results in COCO's format:
detectron2 with its own evaluation loop (one picture at a time, with and without loader workers),
this server asked by its evaluation client at several numbers of requests in flight. The model
alone is timed as well, at batch 1 and 8. Only ratios within one such run mean anything.

detectron2 must be installed, with PyTorch, for the Python that --detectron2-python names.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from artifact.names import ONNX, ModelNames
from perf.connection import Connection
from perf.errors import PerfError
from perf.input_data import Inputs, choose_pictures, inputs_of, of_one_shape
from perf.runner.machine import describe_machine, describe_versions
from perf.studies.arguments import (
    Commands,
    add_build,
    add_checkpoint,
    add_data_set,
    positive,
)
from perf.studies.network_session import (
    faults_of,
    import_onnxruntime,
    network_session,
    pytorch_network,
)
from perf.studies.served_rate import served_rate
from server.launch import TritonServer

LOOP = Path(__file__).with_name("detectron2_loop.py")
BATCHES = (1, 8)
WARM_UP, RUNS = 5, 20
RUNTIMES = {"onnxruntime_cuda": "ONNX Runtime, CUDA", "pytorch": "PyTorch (copies included)"}
"""By the name of the network's configuration."""


def add_command(commands: Commands) -> None:
    """Adds ``side-by-side``."""
    parser = commands.add_parser(
        "side-by-side", help="this server beside detectron2, on one GPU", description=__doc__
    )
    parser.set_defaults(command=_run)
    add_checkpoint(parser, use=", for detectron2")
    add_build(parser)
    add_data_set(parser)
    parser.add_argument(
        "--model-config-name",
        choices=list(RUNTIMES),
        default="onnxruntime_cuda",
        help="the runtime of the network (default: %(default)s)",
    )
    parser.add_argument(
        "--detectron2-python",
        default=sys.executable,
        metavar="PYTHON",
        help="a Python that has it (default: this one)",
    )
    parser.add_argument(
        "--workers",
        type=positive,
        default=4,
        metavar="N",
        help="detectron2's loader has (default: %(default)s)",
    )
    parser.add_argument(
        "--pictures",
        type=positive,
        default=256,
        metavar="N",
        help="so many of all are for detectron2 (default: %(default)s)",
    )
    parser.add_argument(
        "--concurrency",
        type=positive,
        nargs="+",
        default=[16, 32, 64],
        metavar="N",
        help="requests in flight (default: 16 32 64)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("side_by_side.json"),
        metavar="FILE",
        help="all figures (default: %(default)s)",
    )


def _run(options: argparse.Namespace) -> None:
    _detectron2_loop(options.detectron2_python, "--help")  # before what takes minutes
    served, canvases = _served_figures(options)
    run = _pytorch_run if options.model_config_name == "pytorch" else _onnxruntime_run
    network = _network_figures(run(options), canvases)
    detectron2 = _detectron2_figures(options)
    figures = {
        "machine": dataclasses.asdict(describe_machine()),
        "versions": describe_versions(),
        "detectron2": detectron2,
        "served_images_per_second": served,
        "model_config_name": options.model_config_name,
        "network": network,
    }
    print(_table(detectron2, served, RUNTIMES[options.model_config_name], network))
    try:
        options.output.write_text(json.dumps(figures, indent=1) + "\n")
    except OSError as error:
        raise PerfError(f"{options.output}: cannot be written: {error.strerror}") from None
    print(f"\nall figures and the machine: {options.output}")


def _detectron2_loop(python: str, *arguments: str) -> str:
    """What `detectron2_loop.py` prints under that Python.

    Raises:
        PerfError: it fails, with its last lines.
    """
    try:
        run = subprocess.run(
            [python, str(LOOP), *arguments], capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise PerfError(f"--detectron2-python {python}: {error.strerror}") from None
    if run.returncode != 0:
        raise PerfError(
            f"--detectron2-python {python}: detectron2's loop ended with exit code "
            f"{run.returncode}; it needs detectron2, PyTorch and a GPU. Its last lines:\n"
            f"{run.stderr[-2000:]}"
        )
    return run.stdout


def _detectron2_figures(options: argparse.Namespace) -> dict[str, Any]:
    arguments = ["--workers", str(options.workers), "--pictures", str(options.pictures)]
    for name in ("config", "weights", "images", "annotations"):
        arguments += [f"--{name}", str(getattr(options, name))]
    output = _detectron2_loop(options.detectron2_python, *arguments)
    figures: dict[str, Any] = json.loads(output.splitlines()[-1])
    return figures


def _served_figures(options: argparse.Namespace) -> tuple[dict[str, float], list[Inputs]]:
    """Pictures per second through the served ensemble by requests in flight, and the network's
    inputs for a batch of pictures of one canvas."""
    rates = {}
    names = ModelNames(options.model)
    with TritonServer(options.repository, model_config_name=options.model_config_name) as server:
        for concurrency in (options.concurrency[0], *options.concurrency):  # the first warms up
            rates[str(concurrency)] = served_rate(
                server.grpc_url, options.model, options.images, options.annotations, concurrency
            )
        with Connection(server.grpc_url, names) as connection:
            pictures = choose_pictures(options.images, 4 * max(BATCHES))
            canvases = {p: inputs_of(connection, names.network, p) for p in pictures}
    return rates, list(of_one_shape(canvases).values())


def _network_figures(
    prepared: Callable[[list[Inputs]], Callable[[], object]], canvases: list[Inputs]
) -> dict[str, float]:
    """Median milliseconds of a batch.

    Args:
        prepared: makes of a batch of inputs what runs it.
        canvases: inputs, each of one picture.
    """
    figures = {}
    for batch in BATCHES:
        run = prepared(canvases[:batch])
        times = []
        for _ in range(WARM_UP + RUNS):
            started = time.perf_counter()
            run()
            times.append(1e3 * (time.perf_counter() - started))
        figures[f"model_ms_batch_{batch}"] = statistics.median(times[WARM_UP:])
    return figures


def _onnxruntime_run(
    options: argparse.Namespace,
) -> Callable[[list[Inputs]], Callable[[], object]]:
    """ONNX Runtime on CUDA, all inputs and outputs on the device."""
    names = ModelNames(options.model)
    session = network_session(options.repository, names)
    model = options.repository / names.network_folder / ONNX

    def prepared(canvases: list[Inputs]) -> Callable[[], object]:
        with faults_of(model):
            binding = _on_the_gpu(session, canvases)

        def run() -> None:
            with faults_of(model):
                session.run_with_iobinding(binding)
                binding.synchronize_outputs()

        return run

    return prepared


def _pytorch_run(options: argparse.Namespace) -> Callable[[list[Inputs]], Callable[[], object]]:
    """PyTorch as it is served, from arrays to arrays."""
    network = pytorch_network(options.repository, ModelNames(options.model))

    def prepared(canvases: list[Inputs]) -> Callable[[], object]:
        batch = _batch(canvases)
        return lambda: network.run(network.outputs, batch)

    return prepared


def _batch(canvases: list[Inputs]) -> Inputs:
    return {name: np.concatenate([each[name] for each in canvases]) for name in canvases[0]}


def _on_the_gpu(session: Any, canvases: list[Inputs]) -> Any:
    """An `onnxruntime.IOBinding` with these inputs as one batch."""
    ort_value = import_onnxruntime().OrtValue
    binding = session.io_binding()
    for name, batch in _batch(canvases).items():
        binding.bind_ortvalue_input(name, ort_value.ortvalue_from_numpy(batch, "cuda", 0))
    for output in session.get_outputs():
        binding.bind_output(output.name, "cuda")
    return binding


def _table(
    detectron2: dict[str, Any], served: dict[str, float], runtime: str, network: dict[str, float]
) -> str:
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
        runtime: network,
    }
    for name, figures in rows.items():
        one, eight = (figures[f"model_ms_batch_{batch}"] for batch in BATCHES)
        lines.append(f"{name:44}{one:7.1f} ms{eight:9.1f} ms")
    return "\n".join(lines)
