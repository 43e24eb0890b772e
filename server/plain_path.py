"""Paths that Triton's python backend bears.

It starts the process of a python model with a line for bash in which it quotes nothing: a space
splits a path in two, and ``$(…)`` in one is run. The Python in that process then takes the path for
ASCII. In place of a path that is not plain, tritonserver is given a link to it.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from server.errors import ServerError

# What bash takes as it is, and ASCII.
PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
PLAIN_CHARACTERS = "letters from A to Z, digits and _ @ % + = : , . -"
# For a TMPDIR that is not plain. Without the last of them no python model can run at all.
FURTHER_PARENTS = ("/tmp", "/var/tmp", "/dev/shm")
# Those of tritonserver's that may be among the user's own, and are handed on as they are.
OPTIONS = ("--model-repository", "--model-store", "--backend-directory")


@dataclass(frozen=True)
class PlainPath:
    """A path, and another one by which Triton's python backend can be told of it."""

    path: Path
    plain: Path
    """The same where it is plain, else that of a link to it."""

    @classmethod
    def of(cls, path: Path, link: Path) -> PlainPath:
        """Makes ``link``, whose path is plain, if that of ``path`` is not.

        A relative path is looked up in the current folder, so that has to be plain too.
        """
        if is_plain(path.absolute()):
            return cls(path, path)
        link.symlink_to(path.absolute())
        return cls(path, link)

    def restore(self, text: str) -> str:
        """Returns what Triton says, with the path itself in place of the plain one."""
        return text.replace(str(self.plain), str(self.path))


def is_plain(path: Path | str) -> bool:
    """Whether bash takes the path as it is, and Python as ASCII."""
    return PLAIN.fullmatch(str(path)) is not None


def check_options(options: Sequence[str]) -> None:
    """Raises ServerError if one of tritonserver's options names a path that is not plain."""
    for option, following in zip(options, [*options[1:], ""], strict=False):
        name, equals, value = option.partition("=")
        path = value if equals else following
        if name in OPTIONS and path and not is_plain(Path(path).absolute()):
            raise ServerError(
                f"{name} {Path(path).absolute()}: Triton's python backend cannot start from such a "
                f"path, only from one of {PLAIN_CHARACTERS} and /; give a link to it"
            )


@contextmanager
def plain_folder() -> Iterator[Path]:
    """A temporary folder of a plain path: in TMPDIR, or in /tmp where that is not plain.

    Raises:
        ServerError: none can be made.
    """
    with _temporary_folder() as folder:
        yield Path(folder)


def _temporary_folder() -> tempfile.TemporaryDirectory[str]:
    faults = []
    for parent in filter(is_plain, dict.fromkeys((_temporary_parent(), *FURTHER_PARENTS))):
        try:
            return tempfile.TemporaryDirectory(prefix="mask-rcnn-triton-", dir=parent)
        except OSError as error:
            faults.append(f"{parent} ({error.strerror})")
    raise ServerError(
        f"no temporary folder can be made, neither in {' nor in '.join(faults)}; set TMPDIR to a "
        f"folder that can be written, with a path of {PLAIN_CHARACTERS}"
    )


def _temporary_parent() -> str:
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:  # none of those that it knows can be written
        return FURTHER_PARENTS[0]
