"""python -m server: runs a tritonserver on a model repository until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from artifact.system_errors import in_words
from server.access import GRPC_HEADER, HEADER, RESTRICTED, read_key
from server.errors import ServerError
from server.interrupt import raise_keyboard_interrupt
from server.launch import EXIT_TIMEOUT_SECS, START_TIMEOUT_SECS, TritonServer
from server.listen import TRITONS_PORTS, Listen
from server.supervise import supervise
from server.tls import Tls
from server.versions import known_faults


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
        "--host",
        default=TRITONS_PORTS.host,
        help="the address to listen on for requests (%(default)s)",
    )
    parser.add_argument(
        "--http-host",
        metavar="HOST",
        help="that of HTTP (--host; with TLS, which Triton has for gRPC alone, 127.0.0.1)",
    )
    parser.add_argument(
        "--metrics-host",
        metavar="HOST",
        default=TRITONS_PORTS.metrics_host,
        help="that of the metrics (%(default)s)",
    )
    for protocol, port in (
        ("http", TRITONS_PORTS.http_port),
        ("grpc", TRITONS_PORTS.grpc_port),
        ("metrics", TRITONS_PORTS.metrics_port),
    ):
        parser.add_argument(
            f"--{protocol}-port",
            type=int,
            default=port,
            metavar="PORT",
            help="%(default)s; 0 takes a free one",
        )
    parser.add_argument(
        "--access-key-file",
        type=Path,
        metavar="FILE",
        help=f"a key that opens {', '.join(RESTRICTED)} to requests with the header {HEADER} "
        f"(gRPC: {GRPC_HEADER}); without it they are closed to all",
    )
    parser.add_argument(
        "--tls-certificate", type=Path, metavar="FILE", help="PEM: the server's, for gRPC over TLS"
    )
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="PEM: its key")
    parser.add_argument(
        "--tls-client-ca",
        type=Path,
        metavar="FILE",
        help="PEM: let only clients in whose certificate this authority has signed (mutual TLS)",
    )
    parser.add_argument(
        "--log-file",
        metavar="FILE",
        help="keep all that the server prints, with a line of JSON for each request; warnings and "
        "errors are shown here in any case",
    )
    parser.add_argument(
        "--start-timeout-secs",
        type=float,
        default=START_TIMEOUT_SECS,
        metavar="SECS",
        help="how long loading the models may take without a word in the log (%(default)s)",
    )
    parser.add_argument(
        "--exit-timeout-secs",
        type=int,
        default=EXIT_TIMEOUT_SECS,
        metavar="SECS",
        help="how long to wait for requests in flight when stopping (%(default)s)",
    )
    parser.add_argument(
        "--client-shared-memory",
        action="store_true",
        help="let clients with the access key hand over tensors in shared memory, as some "
        "scenarios of `python -m perf run` do; a Triton before 26.04 lets them in any case",
    )
    parser.add_argument("options", nargs="*", help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)
    if (parsed.tls_certificate is None) != (parsed.tls_key is None):
        parser.error("--tls-certificate and --tls-key go together")
    if parsed.tls_client_ca is not None and parsed.tls_certificate is None:
        parser.error("--tls-client-ca needs --tls-certificate and --tls-key")
    return parsed


def listen_of(options: argparse.Namespace) -> Listen:
    return Listen(
        host=options.host,
        http_host=options.http_host,
        metrics_host=options.metrics_host,
        http_port=options.http_port,
        grpc_port=options.grpc_port,
        metrics_port=options.metrics_port,
        tls=options.tls_certificate
        and Tls(options.tls_certificate, options.tls_key, options.tls_client_ca),
    )


def described(version: str) -> str:
    """A Triton's version, and what is published against it."""
    faults = known_faults(version)
    return f"{version}, which {faults}" if faults else version or "of unknown version"


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse_arguments(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    raise_keyboard_interrupt()
    try:
        key_file = options.access_key_file
        server = TritonServer(
            options.repository,
            model_config_name=options.model_config_name,
            listen=listen_of(options),
            access_key=read_key(key_file) if key_file else None,
            log_path=options.log_file,
            start_timeout_secs=options.start_timeout_secs,
            exit_timeout_secs=options.exit_timeout_secs,
            client_shared_memory=options.client_shared_memory,
            options=options.options,
        )
        with server:
            lines = supervise(server)  # before anyone is told that it is ready
            print(
                f"Ready: {', '.join(server.models)}\n"
                f"  gRPC     {server.grpc_url}{' (TLS)' if options.tls_certificate else ''}\n"
                f"  HTTP     http://{server.http_url}\n"
                f"  metrics  http://{server.metrics_url}/metrics\n"
                f"  Triton   {described(server.version)}\n"
                "Ctrl-C stops it.",
                flush=True,
            )
            for line in lines:
                print(line, file=sys.stderr, flush=True)
            raise ServerError("tritonserver ended by itself")
    except KeyboardInterrupt:
        return 0
    except ServerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {in_words(error)}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
