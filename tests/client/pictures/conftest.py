"""Machines with other fonts than this one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from client.pictures import fonts


def forget_fonts() -> None:
    for cached in (fonts._font_files, fonts._first_font_with):
        cached.cache_clear()


@pytest.fixture
def without_fontconfig(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Nothing tells where fonts are."""
    monkeypatch.setenv("PATH", str(tmp_path))
    forget_fonts()
    yield
    forget_fonts()


@pytest.fixture
def without_fonts(without_fontconfig: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """And there are none."""
    monkeypatch.setattr(fonts, "FOLDERS", ())
