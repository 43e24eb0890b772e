from __future__ import annotations

from pathlib import Path

import pytest

from server import shared_memory


def test_a_shortage_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_memory, "ENOUGH_BYTES", 2**60)
    shortage = shared_memory.shortage()
    assert shortage is not None
    assert "In Docker: --shm-size=1g" in shortage


def test_enough_is_not_worth_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_memory, "ENOUGH_BYTES", 0)
    assert shared_memory.shortage() is None


def test_only_the_regions_with_the_prefix_are_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_memory, "FOLDER", tmp_path)
    for name in ("ours-1", "ours-2", "theirs-1"):
        (tmp_path / name).touch(0o644)
    shared_memory.hide_regions("ours-")
    private = {path.name for path in tmp_path.iterdir() if path.stat().st_mode & 0o077 == 0}
    assert private == {"ours-1", "ours-2"}


def test_only_the_regions_with_the_prefix_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_memory, "FOLDER", tmp_path)
    for name in ("ours-1", "ours-2", "theirs-1"):
        (tmp_path / name).touch()
    shared_memory.remove_regions("ours-")
    assert [path.name for path in tmp_path.iterdir()] == ["theirs-1"]
