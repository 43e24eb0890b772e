"""One command, in this process or in one of its own, and what holds whatever it is given."""

from __future__ import annotations

import contextlib
import faulthandler
import io
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import builder.__main__
import client.__main__
import perf.__main__

ROOT = Path(__file__).parents[2]
MAINS = {
    "builder": builder.__main__.main,
    "client": client.__main__.main,
    "perf": perf.__main__.main,
}
TIMEOUT_S = 60
LONGEST_MESSAGE = 30_000


@dataclass(frozen=True)
class Outcome:
    code: int
    stdout: str
    stderr: str


def run_here(package: str, arguments: Sequence[str]) -> Outcome:
    """Its `main`, which is faster than a process. A signal, or a hang, ends the tests with it."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with _no_longer_than(TIMEOUT_S):
        try:
            with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
                code = MAINS[package](list(arguments))
        except SystemExit as error:  # argparse's
            code = int(error.code or 0)
        except BaseException:
            print(f"python -m {package} {shlex.join(arguments)}")
            raise
    return _checked(Outcome(code, stdout.getvalue(), stderr.getvalue()), package, arguments)


def run_apart(package: str, arguments: Sequence[str]) -> Outcome:
    """A process, for what may end in a signal."""
    run = subprocess.run(
        [sys.executable, "-m", package, *arguments],
        cwd=ROOT,
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    stdout, stderr = (out.decode(errors="replace") for out in (run.stdout, run.stderr))
    return _checked(Outcome(run.returncode, stdout, stderr), package, arguments)


def _checked(outcome: Outcome, package: str, arguments: Sequence[str]) -> Outcome:
    said = f"python -m {package} {shlex.join(arguments)}\n{outcome}"
    assert outcome.code in (0, 1, 2), said
    assert "Traceback (most recent call last)" not in outcome.stdout + outcome.stderr, said
    if package != "builder" or arguments[0] != "inspect":  # whose 1 is an answer
        assert (outcome.code == 0) == ("error: " not in outcome.stderr), said
    assert len(outcome.stderr) < LONGEST_MESSAGE, said
    return outcome


@contextlib.contextmanager
def _no_longer_than(seconds: float) -> Iterator[None]:
    """Ends this process, with where it was, if the block takes longer."""
    stderr = sys.__stderr__  # not pytest's, which nobody would see
    assert stderr is not None
    faulthandler.dump_traceback_later(seconds, exit=True, file=stderr)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
