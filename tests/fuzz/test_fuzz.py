"""A few hundred changed files for each reader; `make fuzz` goes on for as long as it is told."""

from __future__ import annotations

import faulthandler
import os
import pickle
import sys
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.guard import Forbidden, watched
from tests.fuzz.targets import TARGETS

EXAMPLES = 300
TIMEOUT_S = 20
"""For all examples of a second or so each; a reader that hangs ends the run with its traceback."""


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_read(name: str) -> None:
    for data in TARGETS[name].seeds:
        TARGETS[name].run(data)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning", "ignore::UserWarning")
@pytest.mark.parametrize("name", TARGETS)
def test_changed_files_are_read_or_refused(name: str) -> None:
    target = TARGETS[name]
    random = Random(name)
    stderr = sys.__stderr__  # not pytest's, which nobody would see
    assert stderr is not None
    for number in range(EXAMPLES):
        data = target.changed(random.choice(target.seeds), random)
        faulthandler.dump_traceback_later(TIMEOUT_S, exit=True, file=stderr)
        try:
            target.run(data)
        except BaseException:
            print(f"example {number}: {data[:2000]!r}")
            raise
        finally:
            faulthandler.cancel_dump_traceback_later()


class _Call:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def test_the_guard_sees_code_that_runs(tmp_path: Path) -> None:
    content = pickle.dumps(_Call(tmp_path / "made"))
    with pytest.raises(Forbidden, match=r"os\.mkdir|find_class"), watched():
        pickle.loads(content)
    assert not (tmp_path / "made").exists()


def test_the_guard_sees_a_file_that_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("text")
    with watched(path):
        path.read_text()
    with pytest.raises(Forbidden, match="open"), watched():
        path.read_text()
    with pytest.raises(Forbidden, match="open"), watched(path):
        path.write_text("other")
    assert path.read_text() == "text"
