"""LVIS's average precision against its definition, written out in NumPy for small data sets."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as rle
from pycocotools.coco import COCO

from client.coco.dataset import GroundTruth
from client.coco.lvis_average_precision import evaluate_lvis_results
from client.errors import ClientError

HEIGHT, WIDTH = 120, 140
AREAS = {"": (0, 1e10), "s": (0, 32**2), "m": (32**2, 96**2), "l": (96**2, 1e10)}
Entry = dict[str, Any]


def picture(image_id: int, *, negative: list[int], not_exhaustive: list[int]) -> Entry:
    return {
        "id": image_id,
        "height": HEIGHT,
        "width": WIDTH,
        "neg_category_ids": negative,
        "not_exhaustive_category_ids": not_exhaustive,
    }


def instance(image_id: int, category_id: int, box: list[float]) -> Entry:
    x, y, width, height = box
    right, bottom = x + width, y + height
    return {
        "image_id": image_id,
        "category_id": category_id,
        "bbox": box,
        "area": width * height,
        "iscrowd": 0,
        "segmentation": [[x, y, right, y, right, bottom, x, bottom]],
    }


def detection(
    image_id: int, category_id: int, box: list[float], score: float, empty_rows: int = 0
) -> Entry:
    """A mask that fills its box but for some rows at the top."""
    x, y, width, height = map(int, box)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8, order="F")
    mask[y + empty_rows : y + height, x : x + width] = 1
    counts = rle.encode(mask)["counts"].decode()
    return {
        "image_id": image_id,
        "category_id": category_id,
        "bbox": box,
        "score": score,
        "segmentation": {"size": [HEIGHT, WIDTH], "counts": counts},
    }


def ground_truth(images: list[Entry], annotations: list[Entry], frequencies: str) -> GroundTruth:
    """For categories 1, 2, … of those frequencies."""
    content = {
        "images": images,
        "annotations": [{**entry, "id": i} for i, entry in enumerate(annotations, start=1)],
        "categories": [
            {"id": i, "name": f"category {i}", "frequency": frequency}
            for i, frequency in enumerate(frequencies, start=1)
        ],
    }
    return GroundTruth(Path("lvis_v1_val.json"), content)


# ------------------------------------------------------------------- the definition, in plain NumPy


def overlaps(index: COCO, iou_type: str, found: list[Entry], real: list[Entry]) -> np.ndarray:
    """Intersection over union, [detections, instances]."""

    def frame(entry: Entry) -> np.ndarray:
        if iou_type == "segm":
            return index.annToMask(entry).astype(bool)
        x, y, width, height = map(int, entry["bbox"])  # these tests have whole pixels
        filled = np.zeros((HEIGHT, WIDTH), bool)
        filled[y : y + height, x : x + width] = True
        return filled

    real_frames = [frame(entry) for entry in real]
    values = np.zeros((len(found), len(real)))
    for d, one in enumerate(map(frame, found)):
        for g, other in enumerate(real_frames):
            values[d, g] = np.count_nonzero(one & other) / np.count_nonzero(one | other)
    return values


def area(entry: Entry, iou_type: str) -> float:
    if iou_type == "segm":
        return float(rle.decode(entry["segmentation"]).sum())
    return float(entry["bbox"][2] * entry["bbox"][3])


def precisions(
    index: COCO, results: list[Entry], iou_type: str, category_id: int, size: str, threshold: float
) -> np.ndarray | None:
    """At 101 recalls, for one category; None where no instance counts."""
    smallest, largest = AREAS[size]
    hits: list[tuple[float, bool]] = []
    to_find = 0
    for image in sorted(index.imgs.values(), key=lambda image: image["id"]):
        known = [
            entry for entry in index.dataset["annotations"] if entry["image_id"] == image["id"]
        ]
        real = [entry for entry in known if entry["category_id"] == category_id]
        if not real and category_id not in image["neg_category_ids"]:
            continue
        best = sorted(
            (result for result in results if result["image_id"] == image["id"]),
            key=lambda result: -result["score"],
        )[:300]
        found = [result for result in best if result["category_id"] == category_id]
        counts = [smallest <= entry["area"] <= largest for entry in real]
        to_find += sum(counts)
        values = overlaps(index, iou_type, found, real)
        taken: set[int] = set()
        for d, result in enumerate(found):
            free = [g for g in range(len(real)) if g not in taken and values[d, g] >= threshold]
            # One that counts goes before one that does not; then the greatest overlap.
            match = max(free, key=lambda g: (counts[g], values[d, g], g), default=None)
            if match is not None:
                taken.add(match)
                if counts[match]:
                    hits.append((result["score"], True))
            elif (
                smallest <= area(result, iou_type) <= largest
                and category_id not in image["not_exhaustive_category_ids"]
            ):
                hits.append((result["score"], False))
    if not to_find:
        return None
    hits.sort(key=lambda hit: -hit[0])
    right = np.cumsum([hit for _, hit in hits])
    recall, precision = right / to_find, right / np.arange(1, len(hits) + 1)
    return np.array(
        [max(precision[recall >= at - 1e-12], default=0.0) for at in np.linspace(0, 1, 101)]
    )


def defined(truth: GroundTruth, results: list[Entry], iou_type: str) -> dict[str, float | None]:
    """The nine figures, in percent."""
    index = COCO()
    index.dataset = truth.content
    index.createIndex()
    thresholds = [round(0.5 + 0.05 * i, 2) for i in range(10)]

    def mean(size: str, among: list[float], frequencies: str) -> float | None:
        values = [
            precisions(index, results, iou_type, category["id"], size, threshold)
            for category in index.cats.values()
            if category["frequency"] in frequencies
            for threshold in among
        ]
        there = [value for value in values if value is not None]
        return float(np.mean(there)) * 100 if there else None

    return {
        "AP": mean("", thresholds, "rcf"),
        "AP50": mean("", [0.5], "rcf"),
        "AP75": mean("", [0.75], "rcf"),
        **{f"AP{size}": mean(size, thresholds, "rcf") for size in "sml"},
        **{f"AP{frequency}": mean("", thresholds, frequency) for frequency in "rcf"},
    }


# ------------------------------------------------------------------------------- by the definition


@pytest.fixture(scope="module")
def made() -> tuple[GroundTruth, list[Entry]]:
    """Pictures with every federated case, of which only the last has nothing known in it.

    Categories 1 and 4 are rare, 2 and 5 common, 3, 6 and 7 frequent; 7 is annotated nowhere.
    """
    images = [
        picture(1, negative=[4, 5], not_exhaustive=[2]),
        picture(2, negative=[1, 7], not_exhaustive=[]),
        picture(3, negative=[], not_exhaustive=[3, 6]),
        picture(4, negative=[2, 3, 6], not_exhaustive=[]),
        picture(9, negative=[], not_exhaustive=[]),
    ]
    annotated = {1: [1, 2, 3], 2: [2, 4, 6], 3: [1, 3, 5, 6], 4: [1, 5]}
    random = np.random.default_rng(7)
    annotations, results = [], []

    def anywhere() -> list[float]:
        width, height = random.choice([12, 24, 40, 64, 100], 2)
        x, y = random.integers(0, WIDTH - width), random.integers(0, HEIGHT - height)
        return [float(value) for value in (x, y, width, height)]

    scores = iter(random.permutation(4000) / 4000)
    for image_id, category_ids in annotated.items():
        for category_id in category_ids:
            for _ in range(random.integers(1, 5)):
                box = anywhere()
                annotations.append(instance(image_id, category_id, box))
                for _ in range(random.integers(0, 4)):
                    less, lower = random.integers(0, 5, 2)
                    near = [box[0] + less, box[1] + lower, box[2] - less, box[3] - lower]
                    score, empty_rows = float(next(scores)), int(random.integers(0, 5))
                    results.append(detection(image_id, category_id, near, score, empty_rows))
    for image in images:
        for category_id in range(1, 8):
            for _ in range(random.integers(1, 4)):
                score = float(next(scores))
                results.append(detection(image["id"], category_id, anywhere(), score))
    return ground_truth(images, annotations, "rcfrcff"), results


@pytest.mark.parametrize("iou_type", ["bbox", "segm"])
def test_the_figures_are_those_of_the_definition(
    made: tuple[GroundTruth, list[Entry]], iou_type: str
) -> None:
    index, results = made
    before = copy.deepcopy(results)

    metrics = evaluate_lvis_results(index, results, iou_type)

    expected = defined(index, results, iou_type)
    assert {name: metrics.values[name] for name in expected} == pytest.approx(expected, abs=1e-9)
    assert len({round(value, 6) for value in expected.values() if value is not None}) == 9
    assert metrics.values["AP-category 7"] is None
    assert results == before, "the results were changed"


def test_the_table_is_as_lvis_prints_it(made: tuple[GroundTruth, list[Entry]]) -> None:
    metrics = evaluate_lvis_results(*made, "bbox")

    lines = metrics.table.splitlines()
    assert len(lines) == 9
    assert lines[0] == (
        " Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=300 catIds=all] = "
        f"{metrics.values['AP'] / 100:.3f}"  # type: ignore[operator]
    )
    assert lines[6] == (
        " Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=300 catIds=  r] = "
        f"{metrics.values['APr'] / 100:.3f}"  # type: ignore[operator]
    )


def test_the_pictures_of_a_shard_are_evaluated_alone(made: tuple[GroundTruth, list[Entry]]) -> None:
    index, results = made
    images = [image for image in index.content["images"] if image["id"] in (2, 3)]
    annotations = [entry for entry in index.content["annotations"] if entry["image_id"] in (2, 3)]
    alone = ground_truth(images, annotations, "rcfrcff")
    of_shard = [result for result in results if result["image_id"] in (2, 3)]

    values = evaluate_lvis_results(index, results, "bbox", image_ids=[3, 2]).values

    assert values == evaluate_lvis_results(alone, of_shard, "bbox").values
    assert values != evaluate_lvis_results(index, results, "bbox").values


# ---------------------------------------------------------------------------------- case by case

BOX = [10.0, 10.0, 40.0, 40.0]
ELSEWHERE = [80.0, 60.0, 40.0, 40.0]


@pytest.mark.parametrize("iou_type", ["bbox", "segm"])
@pytest.mark.parametrize(
    ("knowledge", "expected"),
    [
        pytest.param({"negative": [1], "not_exhaustive": []}, 50, id="negative"),
        pytest.param({"negative": [], "not_exhaustive": []}, 100, id="unknown"),
        pytest.param({"negative": [1], "not_exhaustive": [1]}, 100, id="not exhaustive"),
    ],
)
def test_a_detection_in_a_picture_without_instances_counts_where_there_are_known_to_be_none(
    iou_type: str, knowledge: dict[str, list[int]], expected: float
) -> None:
    images = [picture(1, negative=[], not_exhaustive=[]), picture(2, **knowledge)]
    index = ground_truth(images, [instance(1, 1, BOX)], "f")
    results = [detection(2, 1, BOX, 0.9), detection(1, 1, BOX, 0.8)]

    values = evaluate_lvis_results(index, results, iou_type).values

    assert values["AP"] == values["APf"] == pytest.approx(expected)
    assert values["APr"] is None


@pytest.mark.parametrize(("not_exhaustive", "expected"), [([], 50), ([1], 100)])
def test_a_detection_beside_the_instances_counts_where_all_of_them_are_annotated(
    not_exhaustive: list[int], expected: float
) -> None:
    index = ground_truth(
        [picture(1, negative=[], not_exhaustive=not_exhaustive)], [instance(1, 1, BOX)], "c"
    )
    results = [detection(1, 1, ELSEWHERE, 0.9), detection(1, 1, BOX, 0.8)]

    assert evaluate_lvis_results(index, results, "bbox").values["APc"] == pytest.approx(expected)


@pytest.mark.parametrize(("others", "expected"), [(299, 100), (300, 0)])
def test_the_300_best_of_a_picture_count_whatever_their_category(
    others: int, expected: float
) -> None:
    index = ground_truth([picture(1, negative=[], not_exhaustive=[])], [instance(1, 1, BOX)], "rf")
    results = [detection(1, 1, BOX, 0.1), *(detection(1, 2, BOX, 0.9) for _ in range(others))]

    assert evaluate_lvis_results(index, results, "bbox").values["AP"] == pytest.approx(expected)


@pytest.mark.parametrize("iou_type", ["bbox", "segm"])
def test_no_detections_at_all_are_an_average_precision_of_zero(
    made: tuple[GroundTruth, list[Entry]], iou_type: str
) -> None:
    values = evaluate_lvis_results(made[0], [], iou_type).values

    assert values["AP"] == values["APr"] == 0
    assert values["AP-category 7"] is None


def test_results_that_cannot_be_evaluated_are_an_error_and_no_traceback(
    made: tuple[GroundTruth, list[Entry]],
) -> None:
    index, results = made[0], copy.deepcopy(made[1])
    del results[0]["segmentation"]["counts"]

    with pytest.raises(ClientError, match="faster-coco-eval cannot evaluate segm"):
        evaluate_lvis_results(index, results, "segm")
