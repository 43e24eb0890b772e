"""Data sets of COCO and LVIS: pictures and their annotations."""

from __future__ import annotations

import hashlib
import json
import operator
import os
import stat
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from artifact.json_text import parse_json
from client.coco import lvis_annotations
from client.coco.annotation_faults import find_faults, list_faults, place_of, some
from client.errors import ClientError


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
class GroundTruth:
    """What is compared with results."""

    file: Path
    content: dict[str, Any]
    """Of the annotation file what is compared, checked, with annotation ids from 1 on."""


@dataclass(frozen=True)
class CocoDataset:
    """A folder of pictures with its annotations."""

    images: tuple[CocoImage, ...]
    """In the order of the annotation file, those without annotations too."""
    categories: dict[int, str]
    """The name of each category id."""
    ground_truth: GroundTruth
    has_segmentations: bool
    """Every annotation has one, so masks can be evaluated."""
    unsegmented: tuple[str, ...]
    """The annotations that have none while others have one, such as `annotations[0] (id 5)`."""
    keypoint_counts: tuple[int, ...]
    """The numbers of points that annotations have, where all have some; () otherwise."""
    without_keypoints: tuple[str, ...]
    """The annotations that have no `keypoints` while others have them."""
    is_lvis: bool
    """The annotations say of each picture which categories are known in it."""

    @property
    def pictures(self) -> dict[str, Any]:
        """What decides the answers for a data set, whatever else its annotations say: which
        pictures there are in which order, their ids and sizes; JSON values only."""
        described = [[i.id, i.file_name, i.height, i.width] for i in self.images]
        return {
            "count": len(self.images),
            "sha256_of_ids_names_and_sizes": hashlib.sha256(
                json.dumps(described).encode()
            ).hexdigest(),
        }


def load_dataset(images: Path, annotations: Path) -> CocoDataset:
    """Read an annotation file of COCO or LVIS and find its pictures in the folder `images`.

    LVIS's pictures are in COCO's folders (`val2017`, …) in the folder `images`.

    Raises:
        ClientError: as of `load_annotations`; a picture is missing, or in a folder that is closed.
    """
    try:
        os.scandir(images).close()
    except OSError as error:
        raise ClientError(f"--images: no folder {images}: {error.strerror}") from error
    dataset = load_annotations(annotations, images)
    missing = [image for image in dataset.images if not _is_file(image.path)]
    if missing:
        paths = _paths_by_normal_form(images)
        found = {
            image.id: paths[name]
            for image in missing
            if (name := unicodedata.normalize("NFC", str(image.path))) in paths
        }
        absent = [image.file_name for image in missing if image.id not in found]
        if absent:
            layout = (
                f". There is no {images / absent[0]}: for LVIS --images is the folder that holds "
                "train2017/ and val2017/"
            )
            raise ClientError(
                f"{len(absent)} of the {len(dataset.images)} pictures named in {annotations} are "
                f"not in {images}: {some(absent)}{layout if dataset.is_lvis else ''}"
            )
        renamed = (replace(image, path=found.get(image.id, image.path)) for image in dataset.images)
        dataset = replace(dataset, images=tuple(renamed))
    return dataset


def load_annotations(annotations: Path, images: Path) -> CocoDataset:
    """As `load_dataset`, but for the pictures, which need not be there.

    Raises:
        ClientError: the file is not COCO's format, with all that `find_faults` finds.
    """
    try:
        data = parse_json(annotations.read_bytes())
    except OSError as error:
        raise ClientError(f"--annotations: cannot read {annotations}: {error.strerror}") from error
    except ValueError as error:
        raise ClientError(f"--annotations: {annotations} is not JSON: {error}") from error

    faults = list_faults(find_faults(data))
    if faults:
        raise ClientError(
            f"--annotations: {annotations} is not COCO's format:\n{faults}\n"
            "Nothing was evaluated. Pictures that were finished before are kept: after mending, an "
            "evaluation goes on with --resume."
        )
    unsegmented = _without("segmentation", data["annotations"])
    without_keypoints = _without("keypoints", data["annotations"])
    is_lvis = lvis_annotations.is_lvis(data)
    name_of = lvis_annotations.file_name if is_lvis else operator.itemgetter("file_name")
    return CocoDataset(
        images=tuple(
            CocoImage(entry["id"], name, images / name, entry["height"], entry["width"])
            for entry, name in ((entry, name_of(entry)) for entry in data["images"])
        ),
        categories={category["id"]: category["name"] for category in data["categories"]},
        ground_truth=GroundTruth(annotations, _compared(data, is_lvis)),
        has_segmentations=not unsegmented,
        unsegmented=_if_others_have(unsegmented, data["annotations"]),
        keypoint_counts=(
            ()
            if without_keypoints
            else tuple(sorted({len(entry["keypoints"]) // 3 for entry in data["annotations"]}))
        ),
        without_keypoints=_if_others_have(without_keypoints, data["annotations"]),
        is_lvis=is_lvis,
    )


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except PermissionError as error:
        raise ClientError(f"--images: cannot read {path}: {error.strerror}") from error
    except OSError:
        return False


def _without(key: str, annotations: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """The annotations that have no `key`, such as `annotations[0] (id 5)`."""
    return tuple(
        place_of("annotations", index, entry)
        for index, entry in enumerate(annotations)
        if not entry.get(key)
    )


def _if_others_have(places: tuple[str, ...], annotations: Sequence[Any]) -> tuple[str, ...]:
    return places if len(places) < len(annotations) else ()


def _compared(data: dict[str, Any], is_lvis: bool) -> dict[str, Any]:
    of_image = ("id", "height", "width", *(lvis_annotations.IMAGE_KEYS if is_lvis else ()))
    of_category = ("id", "name", *(lvis_annotations.CATEGORY_KEYS if is_lvis else ()))
    images = [{key: image[key] for key in of_image} for image in data["images"]]
    categories = [{key: category[key] for key in of_category} for category in data["categories"]]
    annotations = []
    # pycocotools takes a match with annotation 0 for no match.
    for number, entry in enumerate(data["annotations"], start=1):
        annotation = {
            "id": number,
            **{key: entry[key] for key in ("image_id", "category_id", "bbox", "area")},
            "iscrowd": int(entry.get("iscrowd", 0)),
        }
        if entry.get("segmentation"):
            annotation["segmentation"] = entry["segmentation"]
        if entry.get("keypoints"):
            annotation["keypoints"] = entry["keypoints"]
            annotation["num_keypoints"] = entry["num_keypoints"]
        annotations.append(annotation)
    return {"images": images, "categories": categories, "annotations": annotations}


def _paths_by_normal_form(folder: Path) -> dict[str, Path]:
    """The files below a folder. One name has two forms in Unicode, and macOS writes the other."""
    return {
        unicodedata.normalize("NFC", path): Path(path)
        for directory, _, names in os.walk(folder)
        for path in (os.path.join(directory, name) for name in names)
    }
