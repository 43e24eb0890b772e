"""`python -m client bulk | check | evaluate | label-studio | merge | page | predict | report`."""

from __future__ import annotations

import argparse
import asyncio
import io
import logging
import shlex
import signal
import sys
from pathlib import Path

from artifact.system_errors import in_words
from client.annotation.label_studio import command as label_studio
from client.bulk.options import add_bulk
from client.bulk.output_folder import RUN
from client.check.run import check
from client.check.table import Row, row_lines
from client.coco.shard import Shard
from client.coco.summary import Summary
from client.connection.options import add_connection, add_servers, connection_of, number_between
from client.errors import ClientError
from client.evaluate import evaluate
from client.merge import merge
from client.predict import DETECTIONS, predict
from client.report.evaluation import read_compared, read_evaluation
from client.report.write import write_report
from client.result_files import COCO_RESULTS, REPORT, RESULTS, SUMMARY

INTERRUPTED = 130
PROGRAM = f"python -m {__package__}"
"""Its package has a name of its own where the client is installed alone."""


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
    except OSError as error:
        print(f"error: {in_words(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        file = {"evaluate": RESULTS, "bulk": RUN}.get(options.command)
        if file is not None and (Path(options.output) / file).exists():
            command = [*given] if options.resume else [*given, "--resume"]
            print(
                f"Finished pictures are kept in {options.output}. Continue with\n"
                f"  {PROGRAM} {shlex.join(command)}",
                file=sys.stderr,
            )
        return INTERRUPTED


def _check(options: argparse.Namespace) -> int:
    connection = connection_of(options)

    async def show() -> list[Row]:
        rows = []
        async for row in check(connection):
            print(row_lines(row), flush=True)
            rows.append(row)
        return rows

    failed = [row.subject for row in asyncio.run(show()) if row.failed]
    if not failed:
        return 0
    count = "1 check" if len(failed) == 1 else f"{len(failed)} checks"
    print(f"error: {count} failed: {', '.join(failed)}", file=sys.stderr)
    return 1


def _evaluate(options: argparse.Namespace) -> int:
    summary = evaluate(
        options.images,
        options.annotations,
        connection_of(options),
        output=options.output,
        resume=options.resume,
        shard=options.shard,
        compare=options.compare,
    )
    return _told(summary, options.output)


def _merge(options: argparse.Namespace) -> int:
    summary = merge(options.folders, output=options.output, annotations=options.annotations)
    return _told(summary, options.output)


def _told(summary: Summary, output: Path) -> int:
    print(f"results in {output}: {COCO_RESULTS}, {SUMMARY}, {REPORT}\n\n{summary}")
    if summary.complete:
        return 0
    print(
        f"error: {len(summary.failures)} of {summary.images} pictures have no result (above); "
        "ask for those alone with --resume",
        file=sys.stderr,
    )
    return 1


def _page(options: argparse.Namespace) -> int:
    try:
        from client.page.app import serve
    except ModuleNotFoundError as error:
        raise ClientError(
            f"the page needs {error.name}, which is not installed: pip install "
            '"mask-rcnn-triton[client]" (in the clone: pip install --editable .[client])'
        ) from error

    connection = connection_of(options)
    asyncio.run(serve(connection, host=options.host, port=options.port, examples=options.examples))
    return 0


def _report(options: argparse.Namespace) -> int:
    evaluation = read_evaluation(
        options.folder, images=options.images, annotations=options.annotations
    )
    compared = None
    if options.compare is not None:
        compared = read_compared(options.compare, evaluation.dataset, evaluation.images)
    path = options.output or options.folder / REPORT
    write_report(path, evaluation, compared)
    print(path)
    return 0


def _predict(options: argparse.Namespace) -> int:
    predictions = predict(
        options.sources,
        connection_of(options),
        output=options.output,
        score_threshold=options.score_threshold,
        recursive=options.recursive,
        every=options.every,
    )
    faults = [f"{path}: {reason}" for path, reason in predictions.failures.items()]
    faults += [f"{made.video}: {fault}" for made in predictions.videos for fault in made.faults]
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    pictures = len(predictions.entries)
    if predictions.entries or predictions.failures:
        count = sum(len(entry["detections"]) for entry in predictions.entries)
        print(
            f"{count} detections in {pictures} {'picture' if pictures == 1 else 'pictures'}: drawn "
            f"in {predictions.output}, as JSON in {predictions.output / DETECTIONS}"
        )
    for made in predictions.videos:
        if made.frames:
            print(made)
    return 1 if faults else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description="Client of a served model.")
    commands = parser.add_subparsers(dest="command", required=True)

    checking = commands.add_parser(
        "check",
        help="whether a server answers as its build did",
        description="Hold a running server against what its build recorded: models, configuration, "
        "answers, every canvas and every place of a batch.",
    )
    add_servers(
        checking, several="that are checked one after the other; their answers have to agree"
    )
    checking.set_defaults(run=_check)

    evaluation = commands.add_parser(
        "evaluate",
        help="average precision on a COCO or LVIS data set",
        description="Send every picture of a COCO or LVIS data set and print its tables for "
        "boxes, masks and keypoints, throughput and latency.",
    )
    evaluation.add_argument(
        "--images",
        type=Path,
        required=True,
        metavar="DIR",
        help="such as coco/val2017; for LVIS the folder that holds train2017 and val2017",
    )
    evaluation.add_argument(
        "--annotations",
        type=Path,
        required=True,
        metavar="FILE",
        help="such as coco/annotations/instances_val2017.json or lvis_v1_val.json",
    )
    evaluation.add_argument(
        "--shard",
        type=_shard,
        metavar="I/N",
        help="evaluate the I-th of N parts of the pictures alone; `merge` joins them",
    )
    add_connection(evaluation)
    _add_output(evaluation)
    evaluation.add_argument(
        "--resume",
        action="store_true",
        help="continue the run in --output: finished pictures are not sent again",
    )
    _add_compare(evaluation)
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
        "--annotations",
        type=Path,
        metavar="FILE",
        help="the annotation file (default: where the shards found it)",
    )
    _add_output(merging)
    merging.set_defaults(run=_merge)

    page = commands.add_parser(
        "page",
        help="a live page in the browser",
        description="Serve a page to drop pictures on, and see what the model finds in them.",
    )
    add_connection(page)
    page.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to serve the page at; any other than the default lets others in, unasked "
        "who they are (default: %(default)s)",
    )
    page.add_argument(
        "--port",
        type=number_between(1, 65535, int),
        default=7860,
        help="default: %(default)s",
    )
    page.add_argument(
        "--examples", type=Path, metavar="DIR", help="a folder of pictures to choose from"
    )
    page.set_defaults(run=_page)

    reporting = commands.add_parser(
        "report",
        help="report.html of an evaluation, made anew, or against another one",
        description="Write report.html about a finished evaluation, which needs no server. "
        "With --compare it tells what differs from another evaluation of the same pictures.",
    )
    reporting.add_argument(
        "folder", type=Path, metavar="DIR", help="the --output of `evaluate` or `merge`"
    )
    _add_compare(reporting)
    reporting.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help="the folder of pictures (default: where the evaluation found it)",
    )
    reporting.add_argument(
        "--annotations",
        type=Path,
        metavar="FILE",
        help="the annotation file (default: where the evaluation found it)",
    )
    reporting.add_argument(
        "--output", type=Path, metavar="FILE", help=f"for the page (default: DIR/{REPORT})"
    )
    reporting.set_defaults(run=_report)

    prediction = commands.add_parser(
        "predict",
        help="pictures and videos with detections drawn in",
        description="Draw what the model finds into pictures and videos, and write it as JSON.",
    )
    prediction.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="pictures, videos, folders and quoted patterns ('clips/*.mp4'); or one camera "
        "(/dev/video0 or camera:0) or stream (rtsp:// or http://)",
    )
    prediction.add_argument(
        "--recursive", action="store_true", help="go into the folders in the folders too"
    )
    add_connection(prediction)
    prediction.add_argument(
        "--output",
        type=Path,
        default=Path("predictions"),
        metavar="DIR",
        help=f"for the pictures and {DETECTIONS}, the videos and their .jsonl "
        "(default: %(default)s)",
    )
    prediction.add_argument(
        "--score-threshold",
        type=number_between(0, 1),
        default=0.5,
        metavar="SCORE",
        help="leave out lower scores (default: %(default)s)",
    )
    prediction.add_argument(
        "--every",
        type=number_between(1, 1_000_000, int),
        default=1,
        metavar="N",
        help="send each N-th frame of a video; the annotated video has those alone "
        "(default: %(default)s)",
    )
    prediction.set_defaults(run=_predict)

    annotating = commands.add_parser(
        "label-studio",
        help="pre-annotations in Label Studio",
        description="Run an ML backend for Label Studio: tasks get the boxes, masks and keypoints "
        "of the served model, for annotators to mend.",
    )
    label_studio.add_options(annotating)

    add_bulk(
        commands.add_parser(
            "bulk",
            help="any number of pictures, through Ray Data",
            description="Send pictures by the million from a folder, object storage or Parquet "
            "files, and write what the model finds as Parquet files. Ray Data does it, here or on "
            "a cluster.",
        )
    )
    return parser


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("evaluation"),
        metavar="DIR",
        help=f"for {RESULTS}, {COCO_RESULTS}, {SUMMARY} and {REPORT} (default: %(default)s)",
    )


def _add_compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--compare",
        type=Path,
        metavar="DIR",
        help=f"the --output of another evaluation of the same pictures: {REPORT} tells what "
        "differs",
    )


def _shard(text: str) -> Shard:
    try:
        return Shard.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


if __name__ == "__main__":
    # A shell that starts this in the background leaves it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # A file's name may be any bytes, which are then printed as they are.
    assert isinstance(sys.stdout, io.TextIOWrapper)
    sys.stdout.reconfigure(errors="surrogateescape")
    sys.exit(main())
