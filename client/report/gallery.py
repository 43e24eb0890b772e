"""Pictures, with what each is shown for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from client.coco.dataset import CocoImage
from client.errors import PictureError
from client.pictures.label import Color
from client.report.panels import Panel, panels, window_round

SHOWN_AT_ONCE = 6


@dataclass(frozen=True)
class Entry:
    """One picture."""

    image: CocoImage
    caption: str
    boxes: Sequence[Sequence[float]]
    """x, y, width, height of what it is shown for: at least one."""
    both: tuple[Panel, Panel]


def gallery(entries: Sequence[Entry], colors: Mapping[int, Color]) -> str:
    """HTML; pictures that cannot be read are told in their places.

    Args:
        entries: all but the first ones are shown after a click.
        colors: by category ids.
    """
    if not entries:
        return '<p class="note">There are none.</p>'
    figures = [_figure(entry, colors) for entry in entries]
    first = f'<div class="gallery">{"".join(figures[:SHOWN_AT_ONCE])}</div>'
    if not (others := figures[SHOWN_AT_ONCE:]):
        return first
    return (
        f"{first}<details><summary>{len(others)} more</summary>"
        f'<div class="gallery">{"".join(others)}</div></details>'
    )


def _figure(entry: Entry, colors: Mapping[int, Color]) -> str:
    window = window_round(entry.boxes, entry.image)
    try:
        shown = panels(entry.image, window, entry.both, colors)
    except PictureError as error:
        shown = f'<p class="note">The picture cannot be shown: {escape(str(error))}</p>'
    return (
        f"<figure><figcaption><b>{escape(entry.caption)}</b> {escape(entry.image.file_name)}"
        f'</figcaption><div class="panels">{shown}</div></figure>'
    )
