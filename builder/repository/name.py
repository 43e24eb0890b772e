"""Whether a build can have the name that was asked for."""

from __future__ import annotations

import re
from pathlib import Path

from artifact.names import ModelNames
from builder.errors import BuildError

_ALLOWED = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_LONGEST_FOLDER_NAME = 255
"""Bytes, in Linux's file systems."""

_STEPS = tuple(step.removeprefix("x") for step in ModelNames("x") if step != "x")
"""What the names of the steps end in."""


def check_name(name: str, repository: Path) -> None:
    """Check that models of a build's names can be written into a repository, and be served.

    A name that ends as those of the steps do is refused wherever it is: beside ``birds``, a build
    ``birds_network`` would be one of its steps, and figures of the two could not be told apart.

    Args:
        name: the ensemble's.
        repository: the folder that the build is to be written into; it may be missing.

    Raises:
        BuildError: they cannot.
    """
    if not _ALLOWED.fullmatch(name):
        raise BuildError(
            f"--name {name!r}: expected letters from A to Z, digits, _ . and -, the first of them "
            "no . or -, because models and their folders are named after it"
        )
    if name == "stats":
        raise BuildError(
            "--name stats: Triton's HTTP port answers /v2/models/stats with the statistics of all "
            "models; expected another name"
        )
    if name.endswith(_STEPS):
        raise BuildError(
            f"--name {name}: ends as the name of an ensemble's step does; expected a name that "
            f"does not end in {', '.join(_STEPS[:-1])} or {_STEPS[-1]}"
        )
    names = ModelNames(name)
    longest = max(names, key=len)
    if len(longest) > _LONGEST_FOLDER_NAME:
        most = _LONGEST_FOLDER_NAME - (len(longest) - len(name))
        raise BuildError(
            f"--name {name[:20]}…: has {len(name)} characters; expected at most {most}, so that "
            "the folders of its models can be named after it"
        )
    there = [model for model in names if (repository / model).exists()]
    if there and len(there) < len(list(names)):
        missing = [model for model in names if model not in there]
        raise BuildError(
            f"{repository}: has {', '.join(there)} but no {', '.join(missing)}, so what is there "
            f"is no whole build of the name {name}; give another --name, or move it away"
        )
