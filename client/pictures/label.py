"""The label of a detection: its category's name, as far as it can be written, and its score."""

from __future__ import annotations

import math
import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass

from PIL import ImageDraw, ImageFont

from client.pictures.fonts import default_font, font_for

Color = tuple[int, int, int]
Font = ImageFont.FreeTypeFont

_LONGEST_NAME = 200
"""Characters that are looked at. No picture has room for more."""

_JOINERS = "\u200c\u200d"  # they say how the letters beside them are written
_VARIATION_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_MARKS_ON_A_LETTER = 3  # more than any script has; names may come with towers of them
_ELLIPSIS = "…"
_LINE = "Ag0"
"""Its letters reach as high and as deep as most do."""


@dataclass(frozen=True)
class Label:
    """One line: a name in a font that has its letters, and what follows it in Pillow's own font."""

    name: str
    name_font: Font
    rest: str
    rest_font: Font

    @classmethod
    def of(cls, name: str, score: float, *, substitute: str, font_size: int, width: int) -> Label:
        """The label of a detection.

        Args:
            name: any text. What would not be seen in a line of it is left out.
            score: of the detection.
            substitute: written in place of a name whose letters no font here has.
            font_size: in pixels.
            width: of the picture, in pixels. A name that is too long for it is cut.
        """
        rest, rest_font = f" {score:.2f}", default_font(font_size)
        written, font = _writable(name, font_size) or (substitute, rest_font)
        label = cls(written, font, rest, rest_font)
        if label.width <= width:
            return label

        def cut(length: int) -> Label:
            return cls(written[:length].rstrip(), font, _ELLIPSIS + rest, rest_font)

        lengths = range(1, len(written))
        length = max(bisect_right(lengths, width, key=lambda length: cut(length).width), 1)
        while length > 1 and _belongs_to_the_one_before(written[length : length + 1]):
            length -= 1
        return cut(length)

    @property
    def width(self) -> int:
        """Of all ink, in pixels."""
        return self._name_width - self._overhang + math.ceil(self.rest_font.getlength(self.rest))

    @property
    def height(self) -> int:
        """Of all ink, in pixels; of most labels the same."""
        top, bottom = self._top_and_bottom
        return bottom - top

    def draw(self, draw: ImageDraw.ImageDraw, left: int, top: int, ink: Color) -> None:
        """Draws the label with the upper left corner of its ink at (left, top)."""
        # Whole pixels throughout: Pillow cuts letters off at negative fractions of a pixel.
        left, baseline = left - self._overhang, top - self._top_and_bottom[0]
        for text, font, x in (
            (self.name, self.name_font, left),
            (self.rest, self.rest_font, left + self._name_width),
        ):
            draw.text((x, baseline), text, font=font, fill=ink, anchor="ls")

    @property
    def _overhang(self) -> int:
        """Where the ink of the name begins, if that is left of its place; else 0."""
        return min(math.floor(self.name_font.getbbox(self.name, anchor="ls")[0]), 0)

    @property
    def _name_width(self) -> int:
        ink = self.name_font.getbbox(self.name, anchor="ls")[2]
        return math.ceil(max(self.name_font.getlength(self.name), ink))

    @property
    def _top_and_bottom(self) -> tuple[int, int]:
        """Of the ink, downwards from the baseline."""
        _, line_top, _, line_bottom = self.rest_font.getbbox(_LINE, anchor="ls")
        _, name_top, _, name_bottom = self.name_font.getbbox(self.name, anchor="ls")
        return math.floor(min(line_top, name_top)), math.ceil(max(line_bottom, name_bottom))


def _writable(name: str, font_size: int) -> tuple[str, Font] | None:
    """A name as it can be written, and the font for it; None if no font has its letters.

    If none has all of it, emoji and other symbols are left out, and then the marks on letters.
    """
    text = in_one_line(name)
    letters = _without(text.replace("\u200d", ""), "S")
    for candidate in (text, letters, _without(unicodedata.normalize("NFKD", letters), "M")):
        if candidate and (font := font_for(candidate, font_size)) is not None:
            return candidate, font
    return None


def _without(text: str, major_category: str) -> str:
    kept = (each for each in text if unicodedata.category(each)[0] != major_category)
    return " ".join("".join(kept).split())


def in_one_line(name: str) -> str:
    """The beginning of a name without what would not be seen, or not be a letter, in one line.

    Lines and control characters become spaces. What says in which direction text runs is left out,
    as are characters that Unicode has given no meaning, and halves of surrogate pairs.
    """
    name = _VARIATION_SELECTORS.sub("", unicodedata.normalize("NFC", name[:_LONGEST_NAME]))
    kept, marks = [], 0
    for character in name:
        category = unicodedata.category(character)
        marks = marks + 1 if category[0] == "M" else 0
        if category == "Cc":
            kept.append(" ")
        elif (category[0] != "C" or character in _JOINERS) and marks <= _MARKS_ON_A_LETTER:
            kept.append(character)
    return " ".join("".join(kept).split()).strip(_JOINERS)


def _belongs_to_the_one_before(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character)[0] == "M"
