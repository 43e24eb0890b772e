"""Arguments that several studies take."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeAlias

from artifact.names import DEFAULT_NAME
from client.connection.options import number_between

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What `argparse.ArgumentParser.add_subparsers` returns."""

positive = number_between(1, 100_000, int)
"""An argparse ``type``."""


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


def add_checkpoint(parser: argparse.ArgumentParser, *, use: str = "") -> None:
    """Adds ``--config`` and ``--weights``; `use` is what the weights are for, in its help."""
    parser.add_argument(
        "--config", type=Path, required=True, metavar="YAML", help="detectron2's configuration"
    )
    parser.add_argument(
        "--weights", type=Path, required=True, metavar="FILE", help=f"its weights{use}"
    )


def add_images(parser: argparse.ArgumentParser) -> None:
    """Adds ``--images``."""
    parser.add_argument(
        "--images", type=Path, required=True, metavar="DIR", help="folder of JPEG files"
    )


def add_data_set(parser: argparse.ArgumentParser) -> None:
    """Adds ``--images`` and ``--annotations``."""
    add_images(parser)
    parser.add_argument(
        "--annotations", type=Path, required=True, metavar="FILE", help="their COCO-format JSON"
    )
