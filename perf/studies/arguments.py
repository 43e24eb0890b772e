"""Arguments that several studies take."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeAlias

from artifact.names import DEFAULT_NAME

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What `argparse.ArgumentParser.add_subparsers` returns."""


def add_build(parser: argparse.ArgumentParser) -> None:
    """Adds ``--repository`` and ``--model``."""
    parser.add_argument(
        "--repository", type=Path, required=True, metavar="DIR", help="the model repository"
    )
    parser.add_argument(
        "--model",
        default=DEFAULT_NAME,
        metavar="NAME",
        help="the build in it, by the name of its ensemble (default: %(default)s)",
    )


def add_data_set(parser: argparse.ArgumentParser) -> None:
    """Adds ``--images`` and ``--annotations``."""
    parser.add_argument(
        "--images", type=Path, required=True, metavar="DIR", help="folder of JPEG files"
    )
    parser.add_argument(
        "--annotations", type=Path, required=True, metavar="FILE", help="their COCO-format JSON"
    )


def positive(text: str) -> int:
    """An argparse ``type``."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)
