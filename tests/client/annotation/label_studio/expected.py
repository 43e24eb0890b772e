"""What Label Studio has to get for the demo's pictures, out of detectron2's own results."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from client import rle
from tests.client.annotation.label_studio.test_brush import decoded
from tests.client.conftest import Demo

CONFIG = """<View>
  <Image name="img" value="$picture"/>
  <RectangleLabels name="box" toName="img">
    <Label value="Circle"/><Label value="Dreieck" predicted_values="triangle, star"/>
  </RectangleLabels>
  <BrushLabels name="brush" toName="img"><Label value="square"/></BrushLabels>
</View>"""

BOXES = {"circle": "Circle", "triangle": "Dreieck", "star": "Dreieck"}


def assert_they_are_what_was_found(
    regions: list[dict[str, Any]], image: dict[str, Any], demo: Demo
) -> int:
    """Hold a picture's regions under `CONFIG`; returns how many masks there are."""
    names = {category["id"]: category["name"] for category in demo.content["categories"]}
    found = [
        (each, names[each["category_id"]])
        for each in demo.results
        if each["image_id"] == image["id"] and each["score"] >= 0.5
    ]
    width, height = image["width"], image["height"]
    for region in regions:
        assert region["to_name"] == "img"
        assert (region["original_width"], region["original_height"]) == (width, height)
    assert len({region["id"] for region in regions}) == len(regions)

    boxes = [(each, BOXES[name]) for each, name in found if name in BOXES]
    rectangles = [region for region in regions if region["from_name"] == "box"]
    for region, (each, label) in zip(rectangles, boxes, strict=True):
        value = region["value"]
        box = np.array([value[key] for key in ("x", "y", "width", "height")])
        assert box / 100 * ([width, height] * 2) == pytest.approx(each["bbox"], abs=1e-3)
        assert (region["type"], value["rectanglelabels"]) == ("rectanglelabels", [label])
        assert region["score"] == pytest.approx(each["score"])

    squares = [each for each, name in found if name == "square"]
    brushes = [region for region in regions if region["from_name"] == "brush"]
    for region, each in zip(brushes, squares, strict=True):
        value = region["value"]
        assert (region["type"], value["brushlabels"]) == ("brushlabels", ["square"])
        mask = rle.decode(each["segmentation"]["counts"].encode(), height, width)
        assert np.array_equal(decoded(value["rle"], height, width)[..., 3] == 255, mask)
    return len(brushes)
