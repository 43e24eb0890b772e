"""Labels of any name: in one line, with letters that can be read, as wide as there is room."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import characters, integers, text
from PIL import Image, ImageDraw

from client.pictures.label import Label, in_one_line

WIDTH = 300


def label(name: str, width: int = WIDTH, font_size: int = 16) -> Label:
    return Label.of(name, 0.974, substitute="34", font_size=font_size, width=width)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("two\nlines\r\nand\ta tab", "two lines and a tab"),
        ("  wide \u3000 spaces\u2028", "wide spaces"),
        ("\x1b[31mred\x00", "[31mred"),
        ("cafe\u0301", "caf\u00e9"),
        ("\u202egpj.exe", "gpj.exe"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("\u0645\u06cc\u200c\u062e\u0648", "\u0645\u06cc\u200c\u062e\u0648"),
        ("lone \ud83d half", "lone half"),
        ("pizza \ue000", "pizza"),
        ("heart\ufe0f", "heart"),
        ("q" + "\u0302" * 50, "q" + "\u0302" * 3),
        ("\u200d", ""),
        ("\n", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_a_name_is_one_line_of_what_can_be_seen(name: str, line: str) -> None:
    assert in_one_line(name) == line


@pytest.mark.usefixtures("without_fonts")
@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("cat", "cat"),
        ("\u732b", "34"),
        ("\u732b cat", "34"),
        ("\u0642\u0637\u0629", "34"),
        ("pizza \U0001f355", "pizza"),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467 family", "family"),
        ("\U0001f355", "34"),
        ("\ud800", "34"),
        ("\u00f1and\u00fa \u2615", "nandu"),
        ("caf\u00e9 \u732b", "34"),
        ("", "34"),
        (" \n", "34"),
    ],
)
def test_what_no_font_has_is_written_as_the_id_unless_it_is_only_a_symbol_or_a_mark(
    name: str, written: str
) -> None:
    assert label(name).name == written


@pytest.mark.parametrize("name", ["x" * 1_000_000, "W" * 40, "\u0643\u0644\u0628 " * 40, "a " * 99])
@pytest.mark.parametrize("width", [80, 150, WIDTH])
def test_a_long_name_is_cut_and_its_score_is_not(name: str, width: int) -> None:
    long = label(name, width)
    if long.name == "34":
        pytest.skip("no font on this machine has these letters")
    assert width / 2 < long.width <= width
    assert in_one_line(name).startswith(long.name)
    assert long.rest == "… 0.97"


def test_a_name_that_just_fits_is_whole() -> None:
    whole = label("some category", 10_000)
    assert label("some category", whole.width) == whole
    assert label("some category", whole.width - 1).rest == "… 0.97"


def test_a_name_is_not_cut_between_a_letter_and_its_marks() -> None:
    for width in range(60, WIDTH, 7):
        name = label("q\u0302\u0323" * 60, width).name
        assert name == "34" or name.endswith("\u0302") or name.endswith("\u0323")


def test_where_there_is_no_room_a_letter_and_the_score_remain() -> None:
    assert (label("category", 1).name, label("category", 1).rest) == ("c", "… 0.97")


@pytest.mark.parametrize("font_size", [9, 16, 41])
@pytest.mark.parametrize(
    "name",
    ["cat", "\u732b", "\u0642\u0637\u0629", "\u0e41\u0e21\u0e27\u0e17\u0e35\u0e48",
     "j\u0302\u0302\u0302", "pizza \U0001f355", "\ufdfa", "fjord"],
)  # fmt: skip
def test_all_ink_is_inside_of_the_label(name: str, font_size: int) -> None:
    written = label(name, 10_000, font_size)
    picture = Image.new("L", (written.width + 40, written.height + 40))
    written.draw(ImageDraw.Draw(picture), 20, 20, 255)  # type: ignore[arg-type]

    pixels = np.asarray(picture)
    inside = pixels[20 : 20 + written.height, 20 : 20 + written.width]
    assert inside.any()
    assert pixels.sum() == inside.sum()


@settings(deadline=None)  # the first of its letters looks through all fonts
@given(name=text(characters(exclude_categories=()), max_size=60), width=integers(1, WIDTH))
def test_any_name_has_a_label_that_fits_where_a_letter_does(name: str, width: int) -> None:
    written = label(name, width)
    assert written.name
    assert written.width <= width or len(written.name) == 1 or written.name == "34"
    written.draw(ImageDraw.Draw(Image.new("RGB", (WIDTH, 60))), 0, 0, (0, 0, 0))
