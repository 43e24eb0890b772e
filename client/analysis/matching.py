"""Which detection is of which annotated object: by boxes or masks, as COCO matches at one IoU."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from client.analysis.mask_overlap import Annotation, Overlaps, mask_overlaps
from client.analysis.overlap import box_ious, shares_inside
from client.coco.dataset import CocoDataset, CocoImage
from client.coco.lvis_average_precision import MAX_DETECTIONS
from client.coco.result_format import CocoResult

MATCH_IOU = 0.5
"""From which on a detection counts as that of an object."""
NONE = -1


@dataclass(frozen=True)
class PictureMatch:
    """The detections and the objects of one picture, which are not crowds."""

    image: CocoImage
    found: Sequence[CocoResult]
    """n, best first; of LVIS those of categories that are known in the picture."""
    objects: Sequence[Mapping[str, Any]]
    """m annotations."""
    scores: npt.NDArray[np.float64]
    """[n]."""
    found_ids: npt.NDArray[np.int64]
    """[n], of their categories."""
    object_ids: npt.NDArray[np.int64]
    """[m], of their categories."""
    ious: npt.NDArray[np.float64]
    """[n, m], of the boxes or the masks."""
    object_of: npt.NDArray[np.int64]
    """[n], the place in `objects` of the object of the same category that the detection is of;
    `NONE` of others."""
    is_ignored: npt.NDArray[np.bool_]
    """[n], of detections that count neither as right nor as wrong: in a crowd of their category, or
    of a category of which LVIS says that not every instance is annotated."""

    @property
    def is_correct(self) -> npt.NDArray[np.bool_]:
        """[n]."""
        return self.object_of != NONE

    @property
    def is_wrong(self) -> npt.NDArray[np.bool_]:
        """[n]."""
        return (self.object_of == NONE) & ~self.is_ignored

    @property
    def found_as(self) -> npt.NDArray[np.int64]:
        """[m], the place in `found` of the detection of each object; `NONE` of those missed."""
        places = np.full(len(self.objects), NONE)
        places[self.object_of[self.is_correct]] = np.flatnonzero(self.is_correct)
        return places


def match_pictures(
    dataset: CocoDataset,
    images: Sequence[CocoImage],
    results: Sequence[CocoResult],
    *,
    masks: bool = False,
) -> list[PictureMatch]:
    """Each picture's detections with its objects.

    Every detection, the best score first, takes of the objects of its category that none has taken
    yet the one that overlaps most with it, if that is `MATCH_IOU` or more.

    Args:
        images: the pictures that count.
        results: of these pictures.
        masks: whether masks are compared, which all results and annotations must have, or boxes.

    Raises:
        ClientError: pycocotools cannot work with the masks.
    """
    content = dataset.ground_truth.content
    annotations_of, results_of = defaultdict(list), defaultdict(list)
    for annotation in content["annotations"]:
        annotations_of[annotation["image_id"]].append(annotation)
    for result in results:
        results_of[result["image_id"]].append(result)
    pairs = [(image, results_of[image.id], annotations_of[image.id]) for image in images]
    said_of = {image["id"]: image for image in content["images"]} if dataset.is_lvis else {}
    overlaps = mask_overlaps(pairs, dataset.ground_truth.file) if masks else map(_by_boxes, pairs)
    return [
        _match(*pair, overlap, said_of.get(pair[0].id))
        for pair, overlap in zip(pairs, overlaps, strict=True)
    ]


def boxes_of(entries: Sequence[Mapping[str, Any]]) -> npt.NDArray[np.float64]:
    """Of results or annotations: float64 [n, 4], x, y, width, height."""
    return np.array([entry["bbox"] for entry in entries], np.float64).reshape(-1, 4)


def _by_boxes(pair: tuple[CocoImage, Sequence[CocoResult], Sequence[Annotation]]) -> Overlaps:
    _, results, annotations = pair
    boxes, others = boxes_of(results), boxes_of(annotations)
    is_crowd = np.array([bool(each["iscrowd"]) for each in annotations], bool)
    return np.where(is_crowd, shares_inside(boxes, others), box_ious(boxes, others))


def _match(
    image: CocoImage,
    results: Sequence[CocoResult],
    annotations: Sequence[Annotation],
    overlaps: Overlaps,
    said: Mapping[str, Any] | None,
) -> PictureMatch:
    order = sorted(range(len(results)), key=lambda n: results[n]["score"], reverse=True)
    if said is not None:
        known = {each["category_id"] for each in annotations} | set(said["neg_category_ids"])
        best = order[:MAX_DETECTIONS]
        order = [n for n in best if results[n]["category_id"] in known]
    found = [results[n] for n in order]
    overlaps = overlaps[order]
    is_crowd = np.array([bool(each["iscrowd"]) for each in annotations], bool)
    is_same = _category_ids(found)[:, None] == _category_ids(annotations)
    ious = overlaps[:, ~is_crowd]
    object_of = np.full(len(found), NONE)
    for place, chosen in _pairs(np.where(is_same[:, ~is_crowd], ious, 0.0)):
        object_of[place] = chosen
    is_ignored = ((overlaps >= MATCH_IOU) & is_same & is_crowd).any(axis=1)
    if said is not None:
        is_ignored |= np.isin(_category_ids(found), said["not_exhaustive_category_ids"])
    objects = [each for each in annotations if not each["iscrowd"]]
    return PictureMatch(
        image=image,
        found=found,
        objects=objects,
        scores=np.array([each["score"] for each in found], np.float64),
        found_ids=_category_ids(found),
        object_ids=_category_ids(objects),
        ious=ious,
        object_of=object_of,
        is_ignored=is_ignored & (object_of == NONE),
    )


def _category_ids(entries: Sequence[Mapping[str, Any]]) -> npt.NDArray[np.int64]:
    return np.array([entry["category_id"] for entry in entries], np.int64)


def _pairs(ious: npt.NDArray[np.float64]) -> Iterator[tuple[int, int]]:
    """Rows, the first ones first, with the free column of the highest IoU, if it is high enough."""
    ious = ious.copy()
    for row in np.flatnonzero((ious >= MATCH_IOU).any(axis=1)):
        column = int(ious[row].argmax())
        if ious[row, column] >= MATCH_IOU:
            ious[:, column] = 0.0
            yield int(row), column
