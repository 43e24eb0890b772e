"""Fonts that have the letters of a text, among those on this machine."""

from __future__ import annotations

import subprocess
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from PIL import ImageFont, features

FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")
"""Where fonts are, if fontconfig is not installed to tell."""

SUFFIXES = frozenset({".ttf", ".otf", ".ttc", ".otc"})

_NO_CHARACTER = "\U0010ffff"
"""What a font draws for it, it draws for all that it has not."""

_TRIED_SIZE = 20
_FC_LIST_TIMEOUT_SECS = 20  # it may have to read all fonts first


@cache
def default_font(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's own, `size` pixels high, which has little more than ASCII."""
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def font_for(text: str, size: int) -> ImageFont.FreeTypeFont | None:
    """The first font that has all characters of a text: Pillow's own, DejaVu, Noto, any other.

    Returns:
        The font, `size` pixels high; None if there is none, or if what is needed to put these
        letters in order and together (Raqm) is not installed.
    """
    if not text.isascii() and _is_put_together(text) and not features.check_feature("raqm"):
        return None
    characters = frozenset(character for character in text if not _is_without_ink(character))
    found, path = _first_font_with(characters)
    if not found:
        return None
    return default_font(size) if path is None else _font(path, size)


@cache
def _first_font_with(characters: frozenset[str]) -> tuple[bool, Path | None]:
    """Whether there is one, and its file; None for Pillow's own."""
    for path in _fonts():
        if all(_has(path, character) for character in characters):
            return True, path
    return False, None


@cache
def _font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.FreeTypeFont(path, size)


def _fonts() -> Iterator[Path | None]:
    yield None
    yield from _font_files()


@cache
def _font_files() -> tuple[Path, ...]:
    try:
        told = subprocess.run(
            ["fc-list", "--format", "%{file}\n"],
            capture_output=True,
            timeout=_FC_LIST_TIMEOUT_SECS,
            check=True,
        ).stdout
        files = {Path(line) for line in told.decode(errors="surrogateescape").splitlines()}
    except (OSError, subprocess.SubprocessError):
        files = {file for folder in FOLDERS for file in Path(folder).expanduser().rglob("*")}
    usable = (file for file in files if file.suffix.lower() in SUFFIXES)
    return tuple(sorted(usable, key=_rank))


def _rank(file: Path) -> tuple[int, str]:
    name = file.stem
    if name == "DejaVuSans":
        rank = 0
    elif name.startswith("NotoSans") and "Regular" in name:
        rank = 1
    elif name.startswith("Noto") and "Regular" in name:
        rank = 2
    elif "Regular" in name:
        rank = 3
    else:
        rank = 4
    return rank, str(file)


@cache
def _face(path: Path | None) -> ImageFont.FreeTypeFont | None:
    try:
        if path is None:
            return default_font(_TRIED_SIZE)
        # Not `truetype`, which takes another file of this name where one is damaged.
        return ImageFont.FreeTypeFont(path, _TRIED_SIZE, layout_engine=ImageFont.Layout.BASIC)
    except OSError:  # damaged, or of a fixed size, as coloured emoji are
        return None


@cache
def _has(path: Path | None, character: str) -> bool:
    glyph = _glyph(path, character)
    return glyph is not None and bool(glyph[1]) and glyph != _glyph(path, _NO_CHARACTER)


def _glyph(path: Path | None, character: str) -> tuple[tuple[int, int], bytes] | None:
    """Its size and pixels as the font has them, without any if there is no ink."""
    if (face := _face(path)) is None:
        return None
    try:
        mask = face.getmask(character, "1")
    except OSError:
        return None
    pixels = bytes(mask)
    return mask.size, pixels if any(pixels) else b""


def _is_put_together(text: str) -> bool:
    """Whether letters of a text run from right to left, or change with those beside them."""
    return any(
        unicodedata.bidirectional(character) in ("R", "AL", "AN")
        or unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf")
        for character in text
    )


def _is_without_ink(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) == "Cf"
