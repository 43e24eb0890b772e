"""COCO data sets, and detections in COCO's result format."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pycocotools.coco import COCO

from client.detections import Detections
from client.errors import ClientError

CocoResult = dict[str, Any]
"""image_id, category_id, bbox [x, y, w, h], score, segmentation {size [h, w], counts}."""

LISTED = 10


@dataclass(frozen=True)
class CocoImage:
    """One picture of a data set."""

    id: int
    file_name: str
    """Relative to the folder of pictures."""
    path: Path
    height: int
    width: int


@dataclass(frozen=True)
class CocoDataset:
    """A folder of pictures with its annotations."""

    images: tuple[CocoImage, ...]
    """In the order of the annotation file, those without annotations too."""
    categories: dict[int, str]
    """The name of each category id."""
    ground_truth: COCO
    """pycocotools' index of the annotations."""
    has_segmentations: bool
    """Every annotation has one, so masks can be evaluated."""
    sha256: str
    """Of the annotation file."""


def load_dataset(images: Path, annotations: Path) -> CocoDataset:
    """Read a COCO annotation file and find its pictures in the folder `images`.

    Raises:
        ClientError: the file is not COCO's format, a picture is missing, or a file name leads out
            of the folder.
    """
    if not images.is_dir():
        raise ClientError(f"--images: no folder {images}")
    dataset = load_annotations(annotations, images)
    missing = [image.file_name for image in dataset.images if not image.path.is_file()]
    if missing:
        raise ClientError(
            f"{len(missing)} of the {len(dataset.images)} pictures named in {annotations} are not "
            f"in {images}: {_some(missing)}"
        )
    return dataset


def load_annotations(annotations: Path, images: Path) -> CocoDataset:
    """As `load_dataset`, but for the pictures, which need not be there.

    Raises:
        ClientError: the file is not COCO's format, or a file name leads out of the folder.
    """
    try:
        content = annotations.read_bytes()
        data = json.loads(content)
    except OSError as error:
        raise ClientError(f"--annotations: cannot read {annotations}: {error.strerror}") from error
    except ValueError as error:
        raise ClientError(f"--annotations: {annotations} is not JSON: {error}") from error

    try:
        _check_format(data)
        found = tuple(_image(entry, images) for entry in data["images"])
    except ClientError as error:
        raise ClientError(f"--annotations: {annotations}: {error}") from error
    return CocoDataset(
        images=found,
        categories={category["id"]: category["name"] for category in data["categories"]},
        ground_truth=_ground_truth(data),
        has_segmentations=all("segmentation" in entry for entry in data["annotations"]),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def coco_results(image: CocoImage, detections: Detections) -> list[CocoResult]:
    """The detections in one picture as detectron2 writes them to coco_instances_results.json."""
    results = []
    for found in detections:
        xywh = found.box.copy()
        xywh[2:] -= xywh[:2]
        result: CocoResult = {
            "image_id": image.id,
            "category_id": found.category_id,
            "bbox": xywh.tolist(),
            "score": found.score,
        }
        if found.mask is not None:
            size = [image.height, image.width]
            result["segmentation"] = {"size": size, "counts": found.mask}
        results.append(result)
    return results


def check_categories(dataset: Mapping[int, str], model: Mapping[int, str]) -> None:
    """Refuse a model that was built for another data set.

    Raises:
        ClientError: not one category of the model has the same id and name in the data set.
    """
    if not dataset.items() & model.items():
        raise ClientError(
            "the model was built for other categories than the annotations': it returns "
            f"{_some([f'{key} {name}' for key, name in model.items()])}, they have "
            f"{_some([f'{key} {name}' for key, name in dataset.items()])}"
        )


def _check_format(data: Any) -> None:
    if not isinstance(data, dict):
        raise ClientError("not COCO's format: the top level is not an object")
    required: dict[str, dict[str, type | tuple[type, ...]]] = {
        "images": {"id": int, "file_name": str, "height": int, "width": int},
        "annotations": {
            "image_id": int,
            "category_id": int,
            "bbox": list,
            "area": (int, float),
        },
        "categories": {"id": int, "name": str},
    }
    for section, fields in required.items():
        if not isinstance(data.get(section), list):
            raise ClientError(f"not COCO's format: it has no list {section!r}")
        for index, entry in enumerate(data[section]):
            for field, kind in fields.items():
                if not isinstance(entry, dict) or not isinstance(entry.get(field), kind):
                    raise ClientError(
                        f"{section}[{index}] has no proper {field!r}: {json.dumps(entry)[:120]}"
                    )
    for section in ("images", "categories"):
        uses = Counter(entry["id"] for entry in data[section])
        repeated = [str(key) for key, count in uses.items() if count > 1]
        if repeated:
            raise ClientError(f"ids of {section} are used more than once: {_some(repeated)}")
    for index, entry in enumerate(data["annotations"]):
        if "segmentation" in entry and not _is_segmentation(entry["segmentation"]):
            raise ClientError(f"annotations[{index}] has neither polygons nor RLE as segmentation")
    if not data["images"]:
        raise ClientError("it names no images")


def _is_segmentation(value: Any) -> bool:
    if isinstance(value, dict):
        return "counts" in value and "size" in value
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(isinstance(polygon, list) and len(polygon) >= 6 for polygon in value)
    )


def _image(entry: dict[str, Any], folder: Path) -> CocoImage:
    name = entry["file_name"]
    relative = PurePosixPath(name)
    if relative.is_absolute() or ".." in relative.parts or "\0" in name or not relative.parts:
        raise ClientError(
            f"image {entry['id']}: {name!r} does not name a file in the folder of pictures"
        )
    return CocoImage(entry["id"], name, folder / relative, entry["height"], entry["width"])


def _ground_truth(data: dict[str, Any]) -> COCO:
    for number, annotation in enumerate(data["annotations"], start=1):
        # pycocotools takes a match with annotation 0 for no match, and demands the other key.
        annotation["id"] = number
        annotation.setdefault("iscrowd", 0)
    ground_truth = COCO()
    ground_truth.dataset = data
    with contextlib.redirect_stdout(io.StringIO()):
        ground_truth.createIndex()
    return ground_truth


def _some(things: list[str]) -> str:
    rest = len(things) - LISTED
    return ", ".join(things[:LISTED]) + (f" and {rest} more" if rest > 0 else "")
