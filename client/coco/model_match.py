"""Whether a data set and a model belong together, and what of the two can be evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from client.coco.annotation_faults import LISTED, some
from client.coco.dataset import CocoDataset
from client.errors import ClientError


def match(
    dataset: CocoDataset,
    categories: Mapping[int, str],
    *,
    has_masks: bool,
    keypoint_oks_sigmas: Sequence[float] | None = None,
) -> tuple[str, ...]:
    """Refuse a model and annotations of which no average precision can be made.

    Args:
        dataset: what is evaluated.
        categories: the name of each category id that the model can return.
        has_masks: whether the model returns masks.
        keypoint_oks_sigmas: those of the model's points, as many as it has; none where they are not
            known, None for a model without points.

    Returns:
        What to know of the figures, a sentence each: ids to which the two give different names,
        and why masks or keypoints are not evaluated.

    Raises:
        ClientError: not one category of the model has the same id and name in the data set; the
            model returns masks, and only some annotations have one; so for keypoints; or they are
            of another number than the model's.
    """
    file = dataset.ground_truth.file
    _check_categories(dataset.categories, categories)
    notes = [
        f"category {key} is {name!r} in {file} and {categories[key]!r} in the model: "
        "average precision goes by the id"
        for key, name in dataset.categories.items()
        if key in categories and categories[key] != name
    ]
    if not has_masks:
        notes.append("masks are not evaluated: the model returns none")
    elif dataset.unsegmented:
        raise ClientError(
            f"--annotations: {file}: there is no segmentation in "
            f"{some(dataset.unsegmented, LISTED)}, and others have one: the average precision of "
            "masks cannot be computed. Give each its segmentation, or take all away to evaluate "
            "boxes alone."
        )
    elif not dataset.has_segmentations:
        notes.append(f"masks are not evaluated: no annotation in {file} has a segmentation")
    notes += _keypoint_notes(dataset, keypoint_oks_sigmas)
    return tuple(notes)


def _keypoint_notes(dataset: CocoDataset, sigmas: Sequence[float] | None) -> list[str]:
    file = dataset.ground_truth.file
    if sigmas is None:
        reason = "the model returns none" if dataset.keypoint_counts else None
    elif dataset.without_keypoints:
        raise ClientError(
            f"--annotations: {file}: there are no keypoints in "
            f"{some(dataset.without_keypoints, LISTED)}, and others have some: the average "
            "precision of keypoints cannot be computed. Give each its keypoints (0, 0, 0 for each "
            "that is not labeled, and num_keypoints), or take all away."
        )
    elif not dataset.keypoint_counts:
        reason = f"no annotation in {file} has keypoints"
    elif dataset.is_lvis:
        reason = "there is no such figure for LVIS"
    elif not sigmas:
        reason = (
            "the sigmas of their similarity are not known. Build with TEST.KEYPOINT_OKS_SIGMAS in "
            "the configuration, one for each point"
        )
    elif dataset.keypoint_counts != (len(sigmas),):
        raise ClientError(
            f"--annotations: {file} has {' or '.join(map(str, dataset.keypoint_counts))} keypoints "
            f"for each object, and the model returns {len(sigmas)}: give the annotations of the "
            "data that it was trained for"
        )
    else:
        reason = None
    return [] if reason is None else [f"keypoints are not evaluated: {reason}"]


def _check_categories(dataset: Mapping[int, str], model: Mapping[int, str]) -> None:
    if not dataset.items() & model.items():
        raise ClientError(
            "the model was built for other categories than the annotations': it returns "
            f"{some([f'{key} {name}' for key, name in model.items()])}, they have "
            f"{some([f'{key} {name}' for key, name in dataset.items()])}"
        )
