from __future__ import annotations

import os
from pathlib import Path

import pytest

from builder.errors import BuildError
from builder.staging import staged


def tree(folder: Path) -> dict[str, str]:
    """Each file below a folder, and what is in it; hidden ones too."""
    return {
        str(file.relative_to(folder)): file.read_text()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with an earlier build of models a and b, and someone else's model."""
    folder = tmp_path / "repository"
    write(folder, a__config="old a", a__stale="plan", b__config="old b", other__config="theirs")
    return folder


def test_entries_replace_those_of_the_same_name_and_no_others(repository: Path) -> None:
    with staged(repository) as stage:
        write(stage, a__config="new a", b__config="new b", c__config="new c")
        assert tree(repository)["a/config"] == "old a"
    assert tree(repository.parent) == {
        "repository/a/config": "new a",
        "repository/b/config": "new b",
        "repository/c/config": "new c",
        "repository/other/config": "theirs",
    }


def test_a_new_repository_is_made_with_the_folders_above_it(tmp_path: Path) -> None:
    with staged(tmp_path / "new/deep/repository") as stage:
        write(stage, a__config="a")
    assert tree(tmp_path) == {"new/deep/repository/a/config": "a"}


def test_a_link_to_a_repository_stays_a_link(repository: Path) -> None:
    link = repository.parent / "link"
    link.symlink_to(repository)
    with staged(link) as stage:
        write(stage, a__config="new a")
    assert link.is_symlink()
    assert tree(repository)["a/config"] == "new a"


@pytest.mark.parametrize("failure", [BuildError, MemoryError, KeyboardInterrupt])
def test_a_build_that_fails_leaves_what_was_there(
    repository: Path, failure: type[BaseException]
) -> None:
    before = tree(repository.parent)

    def build() -> None:
        with staged(repository) as stage:
            write(stage, a__config="half of")
            raise failure

    with pytest.raises(failure):
        build()
    assert tree(repository.parent) == before


@pytest.mark.parametrize("failing_move", range(1, 6))
@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_move_that_fails_is_undone_with_all_before_it(
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    failing_move: int,
    failure: BaseException,
) -> None:
    before = tree(repository.parent)
    rename, calls = Path.rename, []

    def failing_rename(source: Path, target: Path) -> Path:
        calls.append(source)
        if len(calls) == failing_move:
            raise failure
        return rename(source, target)

    def build() -> None:
        with staged(repository) as stage:
            write(stage, a__config="new a", b__config="new b", c__config="new c")
            monkeypatch.setattr(Path, "rename", failing_rename)

    if isinstance(failure, OSError):
        with pytest.raises(BuildError, match=r"No space left .*it is as it was before"):
            build()
    else:
        with pytest.raises(KeyboardInterrupt):
            build()
    assert tree(repository.parent) == before


def test_folders_made_for_a_move_that_fails_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing_rename(source: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    def build() -> None:
        with staged(tmp_path / "new/deep/repository") as stage:
            write(stage, a__config="a")
            monkeypatch.setattr(Path, "rename", failing_rename)

    with pytest.raises(BuildError, match="Permission denied"):
        build()
    assert list(tmp_path.iterdir()) == []


def test_a_name_may_be_as_long_as_the_file_system_lets_it(tmp_path: Path) -> None:
    repository = tmp_path / ("x" * 255)
    with staged(repository) as stage:
        (stage / "model").mkdir()
    assert list(tmp_path.iterdir()) == [repository]


def test_a_file_in_the_repositorys_place_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "repository"
    file.write_text("")
    with pytest.raises(BuildError, match=r"repository: is a file; expected a folder"), staged(file):
        pass


def test_a_file_above_the_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BuildError, match="cannot be written"), staged(tmp_path / "file/repository"):
        pass


def test_a_mount_point_is_refused_with_a_way_round() -> None:
    if os.stat("/dev/shm").st_dev == os.stat("/dev").st_dev:
        pytest.skip("/dev/shm is no mount point here")
    with (
        pytest.raises(BuildError, match=r"mount point.* a folder inside it, for example /dev/shm/"),
        staged(Path("/dev/shm")),
    ):
        pass
