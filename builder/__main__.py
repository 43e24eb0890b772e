"""``python -m builder``: a detectron2 model becomes a Triton repository, or a .wts."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from builder.build import build_repository
from builder.errors import BuildError
from builder.export_wts import export_wts


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m builder", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    build = commands.add_parser("build", help="write a complete Triton repository")
    build.set_defaults(command=_build)
    _add_model(build)
    build.add_argument(
        "--repository",
        required=True,
        type=Path,
        metavar="DIR",
        help="where the four models are written; other models in it stay",
    )
    build.add_argument(
        "--runtime",
        choices=["onnxruntime"],
        default="onnxruntime",
        help="what runs the network (default: %(default)s)",
    )
    build.add_argument(
        "--categories",
        type=Path,
        metavar="FILE",
        help="COCO-format JSON with the data set's categories (default: COCO's 80)",
    )
    build.add_argument(
        "--max-batch",
        type=_positive,
        default=8,
        metavar="N",
        help="pictures per batch (default: %(default)s)",
    )

    export = commands.add_parser("export-wts", help="write the weights as tensorrtx's .wts")
    export.set_defaults(command=_export_wts)
    _add_model(export)
    export.add_argument(
        "--output", required=True, type=Path, metavar="FILE", help="such as maskrcnn.wts"
    )
    return parser


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", required=True, type=Path, metavar="YAML", help="detectron2's configuration"
    )
    parser.add_argument(
        "--weights",
        required=True,
        type=Path,
        metavar="FILE",
        help="its weights: .pkl, .pth or .wts",
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def _build(options: argparse.Namespace) -> None:
    build_repository(
        options.repository, options.config, options.weights, options.categories, options.max_batch
    )


def _export_wts(options: argparse.Namespace) -> None:
    export_wts(options.config, options.weights, options.output)


if __name__ == "__main__":
    sys.exit(main())
