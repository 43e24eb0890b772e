"""The command line of `bulk`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from client.bulk.environment import prepare_environment
from client.connection.options import add_connection, connection_of, number_between
from client.errors import ClientError

PACKAGES = "'ray[data]>=2.60' 'pyarrow<26'"


def add_bulk(parser: argparse.ArgumentParser) -> None:
    """Add the options of a run, which `run_bulk` then does."""
    parser.add_argument(
        "--input",
        required=True,
        metavar="FOLDER_OR_URL",
        help="a folder of pictures and all folders in it, here or in object storage "
        "(s3://bucket/folder); with --column a Parquet file or a folder of such",
    )
    parser.add_argument(
        "--column",
        metavar="NAME",
        help="take the pictures from this column of Parquet files: encoded ones (binary, or a "
        "struct with `bytes`), or their paths or URLs (string)",
    )
    parser.add_argument(
        "--name-column",
        metavar="NAME",
        help="what the pictures of --column are called in the results (default: FILE#ROW)",
    )
    parser.add_argument(
        "--annotations",
        type=Path,
        metavar="FILE",
        help="a COCO annotation file that gives the pictures their image ids, by file name "
        "(default: they are counted from 1)",
    )
    parser.add_argument(
        "--output",
        default="bulk",
        metavar="FOLDER_OR_URL",
        help="for the Parquet files, here or in object storage (default: %(default)s)",
    )
    parser.add_argument(
        "--coco", action="store_true", help="write COCO's result files, too, one a Parquet file"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="continue the run in --output: what is written is not asked for again",
    )
    add_connection(parser)
    parser.add_argument(
        "--score-threshold",
        type=number_between(0, 1),
        metavar="SCORE",
        help="leave out lower scores (default: the model's own threshold)",
    )
    parser.add_argument(
        "--workers",
        type=number_between(1, 1024, int),
        default=2,
        metavar="N",
        help="processes of Ray that read pictures and ask for them; they share --concurrency "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--pictures-per-file",
        type=number_between(1, 10**6, int),
        default=1000,
        metavar="N",
        help="write at least so many at once; a run that is broken off loses what is not written "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--address",
        metavar="ADDRESS",
        help="of a Ray cluster, or `auto` on one of its machines (default: Ray on this machine)",
    )
    parser.set_defaults(run=run_bulk)


def run_bulk(options: argparse.Namespace) -> int:
    """Do what the parsed options say, and say what came of it; returns the exit code.

    Raises:
        ClientError: Ray Data is not installed; or as `run.bulk`.
    """
    prepare_environment(cluster=options.address is not None)
    try:
        from client.bulk.run import Pictures, bulk
    except ImportError as error:
        raise ClientError(
            f"`bulk` needs Ray Data: python -m pip install {PACKAGES} ({error})"
        ) from error
    outcome = bulk(
        Pictures(options.input, options.column, options.name_column, options.annotations),
        connection_of(options),
        output=options.output,
        coco=options.coco,
        resume=options.resume,
        score_threshold=options.score_threshold,
        workers=options.workers,
        pictures_per_file=options.pictures_per_file,
        address=options.address,
    )
    for path, reason in outcome.examples:
        print(f"{path}: {reason}", file=sys.stderr)
    if outcome.failed > len(outcome.examples):
        print(f"... and {outcome.failed - len(outcome.examples)} more", file=sys.stderr)
    print(
        f"{outcome.pictures} pictures, {outcome.failed} of them with an error, in {outcome.files} "
        f"Parquet files in {options.output}"
    )
    return 0
