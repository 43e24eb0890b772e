"""Detections drawn into their picture: translucent masks, boxes, points, names and scores."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from client import rle
from client.detections import Detections, Skeleton
from client.pictures.label import Color, Label

Rectangle = tuple[int, int, int, int]

MASK_OPACITY = 0.4
KEYPOINT_THRESHOLD = 0.05
"""Points with lower scores are not drawn (detectron2's `_KEYPOINT_THRESHOLD`)."""
UNNAMED_COLOR: Color = (255, 255, 255)
GOLDEN_RATIO = (1 + math.sqrt(5)) / 2


def draw_detections(
    picture: Image.Image,
    detections: Detections,
    categories: Mapping[int, str],
    skeletons: Mapping[int, Skeleton],
) -> Image.Image:
    """A copy of an RGB picture with its detections.

    Lines and letters grow with the picture. The best scores are drawn last, so they are on top.

    Args:
        picture: it stays as it is.
        detections: boxes, masks and points in the frame of `picture`; boxes and points may reach
            beyond it.
        categories: names of the category ids; one without a name, or whose letters no font here
            has, is written as its number.
        skeletons: by category id, which points a line is drawn between; of others there are points
            alone.

    Raises:
        ValueError: a mask is not of the picture's size, or is damaged.
    """
    pixels = np.array(picture)
    diagonal = math.hypot(*picture.size)
    line_width = max(1, round(diagonal / 500))
    palette = category_colors(categories)
    colors = [palette.get(int(key), UNNAMED_COLOR) for key in detections.category_ids]
    worst_first = range(len(colors) - 1, -1, -1)
    if detections.masks is not None:
        for index in worst_first:
            counts = detections.masks[index].encode()
            mask = rle.decode(counts, picture.height, picture.width)
            blend_mask(pixels, mask, colors[index], line_width)

    drawn = Image.fromarray(pixels)
    draw = ImageDraw.Draw(drawn)
    boxes = [_inside(box, picture.size) for box in detections.boxes.tolist()]
    for index in worst_first:
        draw.rectangle(boxes[index], outline=colors[index], width=line_width)

    if detections.keypoints is not None:
        for index in worst_first:
            points = detections.keypoints[index]
            skeleton = skeletons.get(int(detections.category_ids[index]), Skeleton((), ()))
            edges = skeleton.edges if len(skeleton.names) == len(points) else ()
            draw_keypoints(draw, points, edges, colors[index], line_width)

    font_size = round(8 + diagonal / 120)
    margin = round(font_size / 5)
    labels: list[Rectangle] = []
    for index, box in enumerate(boxes):
        category_id = int(detections.category_ids[index])
        label = Label.of(
            categories.get(category_id, ""),
            float(detections.scores[index]),
            substitute=str(category_id),
            font_size=font_size,
            width=picture.width - 2 * margin,
        )
        place = _label_place(
            box, label.width + 2 * margin, label.height + 2 * margin, picture.size, labels
        )
        labels.append(place)
        draw.rectangle(place, fill=colors[index])
        label.draw(draw, place[0] + margin, place[1] + margin, _ink(colors[index]))
    return drawn


def category_colors(categories: Mapping[int, str]) -> dict[int, Color]:
    """An RGB colour for each category id, always the same for the same categories.

    Hues a golden ratio of the circle apart, in the order of `categories`: far from each other
    however many there are.
    """
    colors = {}
    for index, category_id in enumerate(categories):
        rgb = colorsys.hsv_to_rgb(index / GOLDEN_RATIO % 1, 0.85, 1.0)
        colors[category_id] = (round(rgb[0] * 255), round(rgb[1] * 255), round(rgb[2] * 255))
    return colors


def blend_mask(
    pixels: npt.NDArray[np.uint8], mask: npt.NDArray[np.bool_], color: Color, line_width: int
) -> None:
    """Tint the pixels [h, w, 3] under a mask [h, w], and paint its rim inside of it, in place."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return
    window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    area, shape = pixels[window], mask[window]
    tinted = area[shape] * (1 - MASK_OPACITY) + np.array(color) * MASK_OPACITY
    area[shape] = np.rint(tinted).astype(np.uint8)
    core = shape
    for _ in range(line_width):
        padded = np.pad(core, 1)
        core = core & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    area[shape & ~core] = color


def draw_keypoints(
    draw: ImageDraw.ImageDraw,
    points: npt.NDArray[np.float32],
    edges: Sequence[tuple[int, int]],
    color: Color,
    line_width: int,
) -> None:
    """Points [K, 3] of x, y, score as dots, and lines between those that belong together.

    Args:
        edges: pairs of points, counted from 0.
    """
    places = {
        number: (x, y)
        for number, (x, y, score) in enumerate(points.tolist())
        if score > KEYPOINT_THRESHOLD
    }
    for first, second in edges:
        if first in places and second in places:
            draw.line([places[first], places[second]], fill=color, width=2 * line_width)
    radius = 2 * line_width
    for x, y in places.values():
        dot = (x - radius, y - radius, x + radius, y + radius)
        draw.ellipse(dot, fill=color, outline=_ink(color))


def _inside(box: list[float], size: tuple[int, int]) -> Rectangle:
    width, height = size
    x1, y1, x2, y2 = (round(coordinate) for coordinate in box)
    return (
        min(max(x1, 0), width - 1),
        min(max(y1, 0), height - 1),
        min(max(x2, 0), width - 1),
        min(max(y2, 0), height - 1),
    )


def _label_place(
    box: Rectangle, width: int, height: int, size: tuple[int, int], taken: list[Rectangle]
) -> Rectangle:
    """A place at the box, inside the picture, that covers as little of other labels as can be."""
    x1, y1, x2, y2 = box
    corners = [(x, y) for x in (x1, x2 - width) for y in (y1 - height, y2, y1, y2 - height)]
    corners += [(x, y) for x in (x2, x1 - width) for y in (y1, y2 - height)]
    places = []
    for x, y in corners:
        left = min(max(x, 0), max(size[0] - 1 - width, 0))
        top = min(max(y, 0), max(size[1] - 1 - height, 0))
        places.append((left, top, left + width, top + height))
    return min(places, key=lambda place: sum(_overlap(place, other) for other in taken))


def _overlap(a: Rectangle, b: Rectangle) -> int:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return max(width, 0) * max(height, 0)


def _ink(background: Color) -> Color:
    """Black or white, whichever is easier to read on the background (ITU-R BT.601 luma)."""
    red, green, blue = background
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return (0, 0, 0) if luma > 128 else (255, 255, 255)
