"""``python -m builder``: a detectron2 model becomes a Triton repository, or a .wts."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from artifact.system_errors import in_words
from builder.build import build_repository
from builder.build_arguments import add_build_arguments, build_options
from builder.errors import BuildError
from builder.export_wts import export_wts
from builder.inspect import inspect


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options) or 0
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {in_words(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130  # as a shell says it


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m builder", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    build = commands.add_parser("build", help="write a complete Triton repository")
    build.set_defaults(command=lambda options: build_repository(build_options(build, options)))
    _add_model(build)
    add_build_arguments(build)

    export = commands.add_parser("export-wts", help="write the weights as tensorrtx's .wts")
    export.set_defaults(
        command=lambda options: export_wts(options.config, options.weights, options.output)
    )
    _add_model(export)
    export.add_argument(
        "--output", required=True, type=Path, metavar="FILE", help="such as maskrcnn.wts"
    )

    inspect_ = commands.add_parser(
        "inspect", help="what a build holds, and whether it fits this machine (exit code 0 or 1)"
    )
    inspect_.set_defaults(command=lambda options: inspect(options.path))
    inspect_.add_argument(
        "path", type=Path, metavar="DIR_OR_FILE", help="a repository, a plan or an ONNX file"
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
        help="its weights: .pkl, .pth (.pt, .ckpt) or .wts; torch is not needed",
    )


if __name__ == "__main__":
    sys.exit(main())
