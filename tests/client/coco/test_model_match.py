"""Whether a data set and a model belong together."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.coco.dataset import CocoDataset, GroundTruth
from client.coco.model_match import match
from client.errors import ClientError


def dataset(
    *names: str,
    has_segmentations: bool = True,
    unsegmented: tuple[str, ...] = (),
    keypoint_counts: tuple[int, ...] = (),
    without_keypoints: tuple[str, ...] = (),
) -> CocoDataset:
    """Its categories have ids from 1 on."""
    ground_truth = GroundTruth(Path("instances.json"), {})
    categories = dict(enumerate(names, start=1))
    return CocoDataset(
        (),
        categories,
        ground_truth,
        has_segmentations,
        unsegmented,
        keypoint_counts,
        without_keypoints,
        is_lvis=False,
    )


def test_a_model_of_a_part_of_the_categories_needs_no_note() -> None:
    assert match(dataset("person", "bicycle"), {2: "bicycle"}, has_masks=True) == ()


def test_a_model_of_other_categories_is_refused() -> None:
    with pytest.raises(ClientError, match="returns 1 circle, 2 square, they have 1 person"):
        match(dataset("person", "bicycle"), {1: "circle", 2: "square"}, has_masks=True)


def test_names_that_contradict_the_models_for_an_id_are_told_each() -> None:
    notes = match(
        dataset("circle", "triangle", "square"),
        {1: "circle", 2: "square", 3: "triangle"},
        has_masks=True,
    )

    assert notes == (
        "category 2 is 'triangle' in instances.json and 'square' in the model: "
        "average precision goes by the id",
        "category 3 is 'square' in instances.json and 'triangle' in the model: "
        "average precision goes by the id",
    )


def test_data_without_masks_and_models_without_are_evaluated_for_boxes_and_it_is_said() -> None:
    without = dataset("circle", has_segmentations=False)
    partly = dataset("circle", has_segmentations=False, unsegmented=("annotations[0] (id 5)",))

    assert match(without, {1: "circle"}, has_masks=True) == (
        "masks are not evaluated: no annotation in instances.json has a segmentation",
    )
    for each in (dataset("circle"), without, partly):
        assert match(each, {1: "circle"}, has_masks=False) == (
            "masks are not evaluated: the model returns none",
        )


def test_annotations_of_which_some_have_no_mask_are_refused_by_name() -> None:
    names = tuple(f"annotations[{number}] (id 5)" for number in range(60))
    partly = dataset("circle", has_segmentations=False, unsegmented=names)

    with pytest.raises(ClientError, match=r"annotations\[49\] \(id 5\) and 10 more, and ot"):
        match(partly, {1: "circle"}, has_masks=True)


POINTS = [0.05, 0.05]
"""Sigmas of a model with two points."""


def notes_of(data: CocoDataset, sigmas: list[float] | None) -> tuple[str, ...]:
    return match(data, {1: "circle"}, has_masks=True, keypoint_oks_sigmas=sigmas)


def test_what_of_keypoints_is_not_evaluated_is_said() -> None:
    points = dataset("circle", keypoint_counts=(2,))
    assert notes_of(points, POINTS) == ()
    assert notes_of(points, None) == ("keypoints are not evaluated: the model returns none",)
    assert notes_of(dataset("circle"), None) == ()
    [none_annotated] = notes_of(dataset("circle"), POINTS)
    assert none_annotated == (
        "keypoints are not evaluated: no annotation in instances.json has keypoints"
    )
    [unknown] = notes_of(points, [])
    assert "TEST.KEYPOINT_OKS_SIGMAS" in unknown


def test_annotations_with_other_points_than_the_models_are_refused() -> None:
    partly = dataset("circle", without_keypoints=("annotations[3] (id 5)",))
    with pytest.raises(ClientError, match=r"no keypoints in annotations\[3\] \(id 5\), and others"):
        notes_of(partly, POINTS)
    for counts, told in (((17,), "17"), ((2, 17), "2 or 17")):
        refused = dataset("circle", keypoint_counts=counts)
        with pytest.raises(ClientError, match=f"has {told} keypoints for each .* model returns 2:"):
            notes_of(refused, POINTS)
