"""What LVIS's annotation files have that COCO's have not.

Of most categories nobody has looked whether they are in a picture, so each picture says of which
it is known: the categories with annotations, `neg_category_ids` (not in it), and
`not_exhaustive_category_ids` (in it, not every instance annotated). Each category says how many
training pictures have it: `frequency`, in three steps. See https://arxiv.org/abs/1908.03195.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FREQUENCIES = ("r", "c", "f")
"""Rare, common, frequent."""

IMAGE_KEYS = ("neg_category_ids", "not_exhaustive_category_ids")
CATEGORY_KEYS = ("frequency",)
"""What is compared beyond what is of COCO's."""


def is_lvis(data: dict[str, Any]) -> bool:
    """Whether a picture in an annotation file, which may be faulty, says what is known of it."""
    images = data.get("images")
    return isinstance(images, list) and any(
        isinstance(image, dict)
        and ("neg_category_ids" in image or "not_exhaustive_category_ids" in image)
        for image in images
    )


def file_name(image: Mapping[str, Any]) -> str:
    """The picture's path as `<split>/<file>`: LVIS's pictures are of several splits of COCO's.

    Taken from `coco_url` as detectron2's `load_lvis_json` does, such as val2017/000000397133.jpg
    from http://images.cocodataset.org/val2017/000000397133.jpg.
    """
    return "/".join(image["coco_url"].split("/")[-2:])
