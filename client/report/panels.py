"""A part of a picture, twice side by side, with different things drawn into it."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from PIL import Image

from client.coco.dataset import CocoImage
from client.errors import PictureError
from client.pictures.drawing import KEYPOINT_THRESHOLD, UNNAMED_COLOR, blend_mask
from client.pictures.files import decode, read_picture
from client.pictures.label import Color
from client.pictures.segmentation import mask_of

WIDTH, HEIGHT = 320, 240
"""The most pixels that a part has in the page."""
JPEG_QUALITY = 72
SURROUNDINGS = 3.0
"""How much wider and higher than what is shown a part is."""
LEAST_SHARE = 0.4
"""Of the picture's width and height, so that one sees where it is."""

Window = tuple[float, float, float, float]
"""Left, top, width, height in pixels of the picture."""


@dataclass(frozen=True)
class Shape:
    """An object or a detection to be drawn."""

    entry: Mapping[str, Any]
    """An annotation or a result."""
    title: str
    """Shown when pointed at."""
    label: str = ""
    """Written beside it."""
    is_subject: bool = False
    """What the picture is shown for."""


@dataclass(frozen=True)
class Panel:
    title: str
    shapes: Sequence[Shape]


def window_round(boxes: Sequence[Sequence[float]], image: CocoImage) -> Window:
    """A part of the picture around boxes of x, y, width, height; of the shape of `WIDTH` and
    `HEIGHT` where they and the picture allow it."""
    left, top = (min(box[axis] for box in boxes) for axis in (0, 1))
    right, bottom = (max(box[axis] + box[axis + 2] for box in boxes) for axis in (0, 1))
    width = max(SURROUNDINGS * (right - left), LEAST_SHARE * image.width)
    height = max(SURROUNDINGS * (bottom - top), LEAST_SHARE * image.height)
    width = min(max(width, height * WIDTH / HEIGHT), image.width)
    height = min(max(width * HEIGHT / WIDTH, 1.1 * (bottom - top)), image.height)
    x = min(max((left + right - width) / 2, 0), image.width - width)
    y = min(max((top + bottom - height) / 2, 0), image.height - height)
    return x, y, width, height


def panels(
    image: CocoImage, window: Window, both: Sequence[Panel], colors: Mapping[int, Color]
) -> str:
    """HTML.

    Args:
        image: the picture.
        window: its part that is shown.
        both: what is drawn.
        colors: by category ids.

    Raises:
        PictureError: the picture is away, or not what was evaluated.
    """
    picture = decode(read_picture(image.path))
    if picture.size != (image.width, image.height):
        raise PictureError("it has another size than when it was evaluated")
    left, top = int(window[0]), int(window[1])
    right, bottom = round(window[0] + window[2]), round(window[1] + window[3])
    corners = (left, top, max(right, left + 1), max(bottom, top + 1))
    part = picture.crop(corners)
    shrunk = part.copy()
    shrunk.thumbnail((WIDTH, HEIGHT))
    return "".join(
        f'<div class="panel"><h4>{escape(panel.title)}</h4>'
        f"{_drawn(image, shrunk, corners, panel.shapes, colors)}</div>"
        for panel in both
    )


def _drawn(
    image: CocoImage,
    shrunk: Image.Image,
    corners: tuple[int, int, int, int],
    shapes: Sequence[Shape],
    colors: Mapping[int, Color],
) -> str:
    pixels = np.array(shrunk)
    drawn = []
    for shape in reversed(shapes):  # the first ones on top
        if not _is_in(corners, shape.entry["bbox"]):
            continue
        color = colors.get(shape.entry["category_id"], UNNAMED_COLOR)
        if segmentation := shape.entry.get("segmentation"):
            mask = mask_of(segmentation, image.height, image.width)
            of_part = mask[corners[1] : corners[3], corners[0] : corners[2]]
            small = Image.fromarray(of_part).resize(shrunk.size, Image.Resampling.NEAREST)
            blend_mask(pixels, np.array(small), color, line_width=1)
        drawn.append(_svg(shape, corners, color))
    jpeg = io.BytesIO()
    Image.fromarray(pixels).save(jpeg, "JPEG", quality=JPEG_QUALITY, optimize=True)
    content = base64.b64encode(jpeg.getvalue()).decode()
    width, height = corners[2] - corners[0], corners[3] - corners[1]
    unit = width / WIDTH
    return (
        f'<svg viewBox="0 0 {width} {height}" style="--unit:{unit:.3f}px">'
        f'<image width="{width}" height="{height}" href="data:image/jpeg;base64,{content}"/>'
        f"{''.join(drawn)}</svg>"
    )


def _is_in(corners: tuple[int, int, int, int], box: Sequence[float]) -> bool:
    x, y, width, height = box
    return x < corners[2] and y < corners[3] and x + width > corners[0] and y + height > corners[1]


def _svg(shape: Shape, corners: tuple[int, int, int, int], color: Color) -> str:
    x, y, width, height = shape.entry["bbox"]
    x, y = x - corners[0], y - corners[1]
    css = f"rgb{color}".replace(" ", "")
    style = "box subject" if shape.is_subject else "box"
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    parts = [f"<g><title>{escape(shape.title)}</title>"]
    if shape.is_subject:
        parts.append(f'<rect class="halo" {place}/>')
    parts.append(f'<rect class="{style}" {place} stroke="{css}"/>')
    points = shape.entry.get("keypoints") or ()
    for px, py, score in zip(points[::3], points[1::3], points[2::3], strict=True):
        if score > KEYPOINT_THRESHOLD:
            px, py = px - corners[0], py - corners[1]
            parts.append(f'<circle class="keypoint" cx="{px:.1f}" cy="{py:.1f}" fill="{css}"/>')
    if shape.label:
        parts.append(_label(shape.label, x, y, width, height, corners))
    return "".join([*parts, "</g>"])


def _label(
    text: str,
    x: float,
    y: float,
    width: float,
    height: float,
    corners: tuple[int, int, int, int],
) -> str:
    """Above the box where there is room, or else below or inside it."""
    part_width, part_height = corners[2] - corners[0], corners[3] - corners[1]
    is_below = y < 0.1 * part_height and y + height < 0.88 * part_height
    style = "below" if is_below else "above" if y >= 0.1 * part_height else "inside"
    if x > 0.6 * part_width:
        style, x = f"{style} end", x + width
    place = f'x="{min(max(x, 0), part_width):.1f}" y="{max(y + height * is_below, 0):.1f}"'
    return f'<text class="{style}" {place}>{escape(text)}</text>'
