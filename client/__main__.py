"""`python -m client evaluate | merge | predict`."""

from __future__ import annotations

import argparse
import logging
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from client.coco.shard import Shard
from client.coco.summary import Summary
from client.connection.tls import Tls
from client.connection.transport import DEFAULT_URLS
from client.errors import ClientError
from client.evaluate import COCO_RESULTS, RESULTS, SUMMARY, evaluate
from client.merge import merge
from client.predict import DETECTIONS, predict

INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 1 for a fault, 130 for Ctrl-C."""
    given = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(given)
    logging.basicConfig(format="%(message)s")
    try:
        return options.run(options)
    except ClientError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        if options.command == "evaluate" and (options.output / RESULTS).exists():
            command = [*given] if options.resume else [*given, "--resume"]
            print(
                f"Finished pictures are kept in {options.output / RESULTS}. Continue with\n"
                f"  python -m client {shlex.join(command)}",
                file=sys.stderr,
            )
        return INTERRUPTED


def _evaluate(options: argparse.Namespace) -> int:
    summary = evaluate(
        options.images,
        options.annotations,
        protocol=options.protocol,
        url=options.url,
        tls=_tls(options),
        output=options.output,
        resume=options.resume,
        shard=options.shard,
        concurrency=options.concurrency,
        timeout=options.timeout,
        retry_for=options.retry_for,
        trace=options.trace,
    )
    return _told(summary, options.output)


def _merge(options: argparse.Namespace) -> int:
    summary = merge(options.folders, output=options.output, annotations=options.annotations)
    return _told(summary, options.output)


def _told(summary: Summary, output: Path) -> int:
    print(f"results in {output}: {COCO_RESULTS}, {SUMMARY}\n\n{summary}")
    if summary.complete:
        return 0
    print(
        f"error: {len(summary.failures)} of {summary.images} pictures have no result (above); "
        "ask for those alone with --resume",
        file=sys.stderr,
    )
    return 1


def _predict(options: argparse.Namespace) -> int:
    predictions = predict(
        options.pictures,
        protocol=options.protocol,
        url=options.url,
        tls=_tls(options),
        output=options.output,
        score_threshold=options.score_threshold,
        concurrency=options.concurrency,
        timeout=options.timeout,
        retry_for=options.retry_for,
        trace=options.trace,
    )
    for path, reason in predictions.failures.items():
        print(f"error: {path}: {reason}", file=sys.stderr)
    count = sum(len(entry["detections"]) for entry in predictions.entries)
    pictures = len(predictions.entries)
    print(
        f"{count} detections in {pictures} {'picture' if pictures == 1 else 'pictures'}: drawn in "
        f"{predictions.output}, as JSON in {predictions.output / DETECTIONS}"
    )
    return 1 if predictions.failures else 0


def _tls(options: argparse.Namespace) -> Tls | None:
    if options.tls_ca is not None:
        return Tls(options.tls_ca, options.tls_certificate, options.tls_key)
    if options.tls_certificate is not None or options.tls_key is not None:
        raise ClientError(
            "--tls-ca is missing: the certificate of the authority that signed the server's"
        )
    return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m client", description="Client of the served ensemble mask_rcnn."
    )
    commands = parser.add_subparsers(dest="command", required=True)

    evaluation = commands.add_parser(
        "evaluate",
        help="average precision on a COCO data set",
        description="Send every picture of a COCO data set and print COCO's table for boxes and "
        "masks, throughput and latency.",
    )
    evaluation.add_argument(
        "--images", type=Path, required=True, metavar="DIR", help="such as coco/val2017"
    )
    evaluation.add_argument(
        "--annotations", type=Path, required=True, metavar="FILE",
        help="such as coco/annotations/instances_val2017.json",
    )  # fmt: skip
    evaluation.add_argument(
        "--shard", type=_shard, metavar="I/N",
        help="evaluate the I-th of N parts of the pictures alone; `merge` joins them",
    )  # fmt: skip
    _add_server(evaluation, concurrency=16, retry_for=60)
    evaluation.add_argument(
        "--output", type=Path, default=Path("evaluation"), metavar="DIR",
        help=f"for {RESULTS}, {COCO_RESULTS} and {SUMMARY} (default: evaluation)",
    )  # fmt: skip
    evaluation.add_argument(
        "--resume", action="store_true",
        help="continue the run in --output: finished pictures are not sent again",
    )  # fmt: skip
    evaluation.set_defaults(run=_evaluate)

    merging = commands.add_parser(
        "merge",
        help="one evaluation out of its shards",
        description="Join the outputs of `evaluate --shard 1/N` to `N/N` and print what one run "
        "over the whole data set would have printed of average precision.",
    )
    merging.add_argument(
        "folders", type=Path, nargs="+", metavar="DIR", help="the --output of each shard"
    )
    merging.add_argument(
        "--annotations", type=Path, metavar="FILE",
        help="the annotation file (default: where the shards found it)",
    )  # fmt: skip
    merging.add_argument(
        "--output", type=Path, default=Path("evaluation"), metavar="DIR",
        help=f"for {RESULTS}, {COCO_RESULTS} and {SUMMARY} (default: evaluation)",
    )  # fmt: skip
    merging.set_defaults(run=_merge)

    prediction = commands.add_parser(
        "predict",
        help="pictures with detections drawn in",
        description="Draw what the model finds into pictures, and write it as JSON.",
    )
    prediction.add_argument(
        "pictures", type=Path, nargs="+", metavar="IMAGE_OR_FOLDER", help="files and folders"
    )
    _add_server(prediction, concurrency=8, retry_for=10)
    prediction.add_argument(
        "--output", type=Path, default=Path("predictions"), metavar="DIR",
        help=f"for the pictures and {DETECTIONS} (default: predictions)",
    )  # fmt: skip
    prediction.add_argument(
        "--score-threshold", type=_number(float, 0, 1), default=0.5, metavar="SCORE",
        help="leave out lower scores (default: 0.5)",
    )  # fmt: skip
    prediction.set_defaults(run=_predict)
    return parser


def _add_server(parser: argparse.ArgumentParser, concurrency: int, retry_for: float) -> None:
    parser.add_argument(
        "--protocol", choices=sorted(DEFAULT_URLS), default="grpc", help="default: grpc"
    )
    defaults = ", ".join(f"{url} for {protocol}" for protocol, url in DEFAULT_URLS.items())
    parser.add_argument(
        "--url", metavar="HOST:PORT[,HOST:PORT...]",
        help="the server, or several with the same model that share the pictures: those of one "
        f"that goes away go to the others until it is back (default: {defaults})",
    )  # fmt: skip
    parser.add_argument(
        "--concurrency", type=_number(int, 1, 1024), default=concurrency, metavar="N",
        help=f"requests in flight at once, over all servers (default: {concurrency})",
    )  # fmt: skip
    parser.add_argument(
        "--timeout", type=_number(float, 0.001, 86400), default=300, metavar="SECONDS",
        help="how long one request may take; then it is sent once more (default: 300)",
    )  # fmt: skip
    parser.add_argument(
        "--retry-for", type=_number(float, 0, 86400), default=retry_for, metavar="SECONDS",
        help="how long to wait while no server is there, or while a picture is turned away "
        f"because the servers are too busy (default: {retry_for:g})",
    )  # fmt: skip
    parser.add_argument(
        "--trace", action="store_true",
        help="send a W3C traceparent with each request: a server with tracing traces all of them",
    )  # fmt: skip
    parser.add_argument(
        "--tls-ca", type=Path, metavar="FILE",
        help="use TLS, with a server whose certificate is signed by one of these (PEM)",
    )  # fmt: skip
    parser.add_argument(
        "--tls-certificate", type=Path, metavar="FILE",
        help="the client's own certificate, for a server that asks for one (PEM)",
    )  # fmt: skip
    parser.add_argument(
        "--tls-key", type=Path, metavar="FILE", help="the key of --tls-certificate (PEM)"
    )


def _shard(text: str) -> Shard:
    try:
        return Shard.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _number(kind: type, least: float, most: float) -> Callable[[str], float]:
    def convert(text: str) -> float:
        value = kind(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not between {least:g} and {most:g}")
        return value

    convert.__name__ = kind.__name__
    return convert


if __name__ == "__main__":
    # A shell that starts this in the background leaves it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
