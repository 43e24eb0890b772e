"""python -m server: runs a tritonserver on a model repository until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from server.errors import ServerError
from server.launch import TritonServer


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m server",
        usage="%(prog)s --repository DIR [option ...] [-- tritonserver option ...]",
        description="Runs a tritonserver (one on PATH, the container's, or that of the "
        "nvidia-pytriton wheel) on a model repository until Ctrl-C or SIGTERM.",
    )
    parser.add_argument("--repository", required=True, metavar="DIR", help="the model repository")
    parser.add_argument(
        "--model-config-name",
        metavar="NAME",
        help="use configs/NAME.pbtxt of each model that has it, in place of config.pbtxt: "
        "onnxruntime where there is no TensorRT",
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="the address to listen on (%(default)s)"
    )
    for protocol, port in (("http", 8000), ("grpc", 8001), ("metrics", 8002)):
        parser.add_argument(
            f"--{protocol}-port",
            type=int,
            default=port,
            metavar="PORT",
            help="%(default)s; 0 takes a free one",
        )
    parser.add_argument(
        "--log-file",
        metavar="FILE",
        help="keep all that the server prints; warnings and errors are shown here in any case",
    )
    parser.add_argument(
        "--start-timeout-secs",
        type=float,
        default=300.0,
        metavar="SECS",
        help="how long loading the models may take (%(default)s)",
    )
    parser.add_argument(
        "--exit-timeout-secs",
        type=int,
        default=30,
        metavar="SECS",
        help="how long to wait for requests in flight when stopping (%(default)s)",
    )
    parser.add_argument("options", nargs="*", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def interrupt(signal_number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse_arguments(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    # SIGINT too: a shell that starts this in the background leaves it ignored.
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    server = TritonServer(
        options.repository,
        model_config_name=options.model_config_name,
        host=options.host,
        http_port=options.http_port,
        grpc_port=options.grpc_port,
        metrics_port=options.metrics_port,
        log_path=options.log_file,
        start_timeout_secs=options.start_timeout_secs,
        exit_timeout_secs=options.exit_timeout_secs,
        options=options.options,
    )
    try:
        with server:
            print(
                f"Ready: {', '.join(server.models)}\n"
                f"  gRPC     {server.grpc_url}\n"
                f"  HTTP     http://{server.http_url}\n"
                f"  metrics  http://{server.metrics_url}/metrics\n"
                "Ctrl-C stops it.",
                flush=True,
            )
            for line in server.follow_log():
                print(line, file=sys.stderr, flush=True)
            raise ServerError("tritonserver ended by itself")
    except KeyboardInterrupt:
        return 0
    except ServerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
