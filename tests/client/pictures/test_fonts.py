"""Fonts for texts of all scripts, on this machine and on others."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from PIL import ImageFont, features

from client.pictures import fonts
from client.pictures.fonts import font_for
from tests.client.pictures.conftest import forget_fonts

RIGHT_TO_LEFT_OR_JOINED = ["قطة", "חתול", "แมวที่", "बिल्ली", "می‌خواهم"]
TEXTS = [
    "cat",
    "ñandú",
    "Кошка",
    "γάτα",
    "猫",
    "ねこ",
    "고양이",
    *RIGHT_TO_LEFT_OR_JOINED,
    "🍕",
    "\U0001d518",
]


def has_ink_of_its_own(font: ImageFont.FreeTypeFont, character: str) -> bool:
    def drawn(text: str) -> tuple[tuple[int, int], bytes]:
        mask = font.getmask(text)
        return mask.size, bytes(mask)

    return any(drawn(character)[1]) and drawn(character) != drawn("\U0010fffe")


@pytest.mark.parametrize("text", TEXTS)
def test_a_font_that_is_found_has_every_letter(text: str) -> None:
    font = font_for(text, 24)
    if font is None:
        pytest.skip(f"no font on this machine has {text}")
    assert all(has_ink_of_its_own(font, letter) for letter in text if letter != "\u200c")
    assert font.size == 24


@pytest.mark.parametrize("text", ["", " ", "cat 0.97", "the quick brown fox (12)"])
def test_pillows_own_font_is_taken_for_what_it_has(text: str) -> None:
    font = font_for(text, 24)
    assert font is not None
    assert font.getname() == fonts.default_font(24).getname()


def test_what_no_font_has_gets_none() -> None:
    assert font_for("cat \U0010ffff", 24) is None
    assert font_for("\ud800", 24) is None


@pytest.mark.usefixtures("without_fonts")
@pytest.mark.parametrize("text", TEXTS[2:])
def test_without_fonts_there_is_pillows_own(text: str) -> None:
    assert font_for(text, 24) is None
    assert font_for("cat", 24) is not None


@pytest.mark.usefixtures("without_fontconfig")
@pytest.mark.parametrize("damaged", [b"", b"\0\1\0\0no font", b"OTTO"])
def test_fonts_are_looked_for_in_the_usual_folders_and_damaged_ones_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: bytes
) -> None:
    dejavu = next(Path("/usr/share/fonts").rglob("DejaVuSans.ttf"), None)
    if dejavu is None:
        pytest.skip("DejaVu is not installed: apt-get install fonts-dejavu-core")
    (tmp_path / "truetype").mkdir()
    for name in ("AAA-Regular.ttf", "NotoSans-Regular.ttf", "readme.txt"):
        (tmp_path / "truetype" / name).write_bytes(damaged)
    (tmp_path / "truetype" / "Some-Regular.ttf").symlink_to(dejavu)
    monkeypatch.setattr(fonts, "FOLDERS", (str(tmp_path), str(tmp_path / "missing")))

    font = font_for("Кошка", 24)

    assert font is not None
    assert font.getname()[0] == "DejaVu Sans"


@pytest.mark.usefixtures("without_fontconfig")
@pytest.mark.parametrize("answer", ["exit 1", "echo /missing/font.ttf", "printf '\\377\\n'"])
def test_whatever_fontconfig_answers_is_survived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.setattr(fonts, "FOLDERS", ())
    program = tmp_path / "fc-list"
    program.write_text(f"#!/bin/sh\n{answer}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)

    assert font_for("Кошка", 24) is None


@pytest.mark.parametrize("text", RIGHT_TO_LEFT_OR_JOINED)
def test_letters_that_cannot_be_put_together_get_none(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(features, "check_feature", lambda feature: feature != "raqm")
    assert font_for(text, 24) is None
    assert font_for("cat", 24) is not None


def test_dejavu_and_noto_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["Zapf-Bold.ttf", "NotoSans-Bold.ttf", "Arial-Regular.ttf", "NotoSerif-Regular.ttf",
             "NotoSansCJK-Regular.ttc", "DejaVuSans-Bold.ttf", "DejaVuSans.ttf"]  # fmt: skip
    ranked = sorted(map(Path, names), key=fonts._rank)
    assert [path.name for path in ranked[:4]] == [
        "DejaVuSans.ttf",
        "NotoSansCJK-Regular.ttc",
        "NotoSerif-Regular.ttf",
        "Arial-Regular.ttf",
    ]
    forget_fonts()
