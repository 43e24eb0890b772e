from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from artifact.whole_file import whole_file

ROOT = Path(__file__).parents[2]
# Two halves with a time between them in which others can look.
WRITE_AGAIN_AND_AGAIN = """
import sys
from pathlib import Path
from artifact.whole_file import whole_file

path, letter, times = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for _ in range(times):
    with whole_file(path) as unfinished, unfinished.open("w") as file:
        file.write(letter * 100_000)
        file.flush()
        file.write(letter * 100_000)
"""


def writer(path: Path, letter: str, times: int) -> subprocess.Popen[bytes]:
    """A process that writes a file of 200,000 times `letter`, again and again."""
    return subprocess.Popen(
        [sys.executable, "-c", WRITE_AGAIN_AND_AGAIN, str(path), letter, str(times)], cwd=ROOT
    )


def test_the_file_is_the_old_one_until_the_body_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with whole_file(path) as unfinished:
        unfinished.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_may_be_as_long_as_the_file_system_lets_it(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    with whole_file(path) as unfinished:
        unfinished.touch()
    assert list(tmp_path.iterdir()) == [path]


def begin(path: Path) -> None:
    """Is interrupted while it writes."""
    with whole_file(path) as unfinished:
        unfinished.write_text("half of the n")
        raise KeyboardInterrupt


@pytest.mark.parametrize("old", ["old", None])
def test_a_body_that_fails_leaves_what_was_there(old: str | None, tmp_path: Path) -> None:
    path = tmp_path / "file"
    if old is not None:
        path.write_text(old)
    with pytest.raises(KeyboardInterrupt):
        begin(path)
    assert [file.read_text() for file in tmp_path.iterdir()] == ([] if old is None else [old])


def test_a_body_that_writes_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "file"):
        pass


def test_two_processes_that_write_at_once_never_show_a_mixed_or_a_half_file(
    tmp_path: Path,
) -> None:
    path = tmp_path / "file"
    whole = [letter * 200_000 for letter in "abo"]
    path.write_text(whole[-1])
    writers = [writer(path, letter, times=300) for letter in "ab"]
    seen = set()
    while any(process.poll() is None for process in writers):
        text = path.read_text()
        assert text in whole
        seen.add(text[0])
    assert [process.returncode for process in writers] == [0, 0]
    assert seen >= {"a", "b"}
    assert os.listdir(tmp_path) == ["file"]
