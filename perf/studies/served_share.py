"""How much of ONNX Runtime's own rate is served.

The network alone, in this process, on canvases that are ready in memory, against the whole
ensemble from JPEG files to masks, on the same pictures with the same cores. The two take turns
while the server waits, so that a machine that is busy elsewhere slows both: what was served is
compared with the mean of ONNX Runtime alone just before and just after it, and the median of these
shares is printed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

from artifact.names import ModelNames
from perf.connection import Connection
from perf.input_data import Inputs, choose_pictures, inputs_of
from perf.runner.machine import describe_machine
from perf.studies.arguments import Commands, add_build, add_data_set, positive
from perf.studies.network_session import network_session
from perf.studies.served_rate import served_rate
from server.launch import TritonServer


def add_command(commands: Commands) -> None:
    """Adds ``served-share``."""
    parser = commands.add_parser(
        "served-share", help="how much of ONNX Runtime's own rate is served", description=__doc__
    )
    parser.set_defaults(command=_run)
    add_build(parser)
    add_data_set(parser)
    parser.add_argument(
        "--concurrency",
        type=positive,
        default=4,
        metavar="N",
        help="requests in flight (default: %(default)s)",
    )
    parser.add_argument(
        "--rounds", type=positive, default=5, metavar="N", help="default: %(default)s"
    )


def _run(options: argparse.Namespace) -> None:
    share = statistics.median(_shares(options))
    machine = describe_machine()
    print(
        f"{machine.cpu}, {machine.cores} cores; {options.concurrency} requests in flight; "
        f"served {share:.2f} of ONNX Runtime's own rate"
    )


def _shares(options: argparse.Namespace) -> Iterator[float]:
    """What was served in each round, as a share of ONNX Runtime's own rate around it."""
    names = ModelNames(options.model)
    session = network_session(options.repository, names)
    pictures = choose_pictures(options.images, sys.maxsize)
    with TritonServer(options.repository, model_config_name="onnxruntime") as server:
        with Connection(server.grpc_url, names) as connection:
            canvases = [inputs_of(connection, names.network, picture) for picture in pictures]
        alone = _rate_alone(session, canvases)
        for _ in range(options.rounds):
            before = alone
            served = served_rate(
                server.grpc_url,
                options.model,
                options.images,
                options.annotations,
                options.concurrency,
            )
            alone = _rate_alone(session, canvases)
            share = served / statistics.mean((before, alone))
            print(
                f"alone {before:.2f}, served {served:.2f}, alone {alone:.2f} images/s: {share:.2f}",
                flush=True,
            )
            yield share


def _rate_alone(session: Any, canvases: list[Inputs]) -> float:
    started = time.perf_counter()
    for inputs in canvases:
        session.run(None, inputs)
    return len(canvases) / (time.perf_counter() - started)
