"""How much of ONNX Runtime's own rate is served: `python -m perf.studies.served_share`.

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
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy.typing as npt
from onnxruntime import InferenceSession

from builder.repository.models import NETWORK
from builder.repository.write import NETWORK_ONNX
from client.connection import settings
from client.errors import ClientError
from client.evaluate import evaluate
from perf.errors import PerfError
from perf.runner.connection import Connection
from perf.runner.input_data import choose_pictures, tensors_for
from perf.runner.machine import describe_machine
from perf.studies.cuda_session import cuda_session
from server.errors import ServerError
from server.launch import TritonServer


def shares(options: argparse.Namespace) -> list[float]:
    """What was served in each round, as a share of ONNX Runtime's own rate around it."""
    shares = []
    with (
        TritonServer(options.repository, model_config_name="onnxruntime") as server,
        Connection(server.grpc_url) as connection,
    ):
        pictures = choose_pictures(options.images, sys.maxsize)
        steps = [tensors_for(connection, NETWORK, picture) for picture in pictures]
        session = cuda_session(options.repository / NETWORK_ONNX)
        alone = rate_alone(session, steps)
        for _ in range(options.rounds):
            served, before = rate_served(server.grpc_url, options), alone
            alone = rate_alone(session, steps)
            shares.append(served / statistics.mean((before, alone)))
            print(
                f"alone {before:.2f}, served {served:.2f}, alone {alone:.2f} images/s: "
                f"{shares[-1]:.2f}",
                flush=True,
            )
    return shares


def rate_alone(session: InferenceSession, steps: list[dict[str, npt.NDArray[Any]]]) -> float:
    started = time.perf_counter()
    for step in steps:
        session.run(None, step)
    return len(steps) / (time.perf_counter() - started)


def rate_served(url: str, options: argparse.Namespace) -> float:
    with tempfile.TemporaryDirectory() as folder:
        summary = evaluate(
            options.images,
            options.annotations,
            settings.Connection(url, concurrency=options.concurrency),
            output=folder,
            progress=False,
        )
    assert summary.images_per_second is not None
    return summary.images_per_second


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m perf.studies.served_share", description=__doc__
    )
    parser.add_argument("--repository", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--annotations", type=Path, required=True)
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    try:
        share = statistics.median(shares(options))
    except (PerfError, ServerError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    machine = describe_machine()
    print(
        f"{machine['cpu']}, {machine['cores']} cores; {options.concurrency} requests in flight; "
        f"served {share:.2f} of ONNX Runtime's own rate"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
