"""Whether a data set and a model belong together, and what of the two can be evaluated."""

from __future__ import annotations

from collections.abc import Mapping

from client.coco.annotation_faults import LISTED, some
from client.coco.dataset import CocoDataset
from client.errors import ClientError


def match(
    dataset: CocoDataset, categories: Mapping[int, str], *, has_masks: bool
) -> tuple[str, ...]:
    """Refuse a model and annotations of which no average precision can be made.

    Args:
        dataset: what is evaluated.
        categories: the name of each category id that the model can return.
        has_masks: whether the model returns masks.

    Returns:
        What to know of the figures, a sentence each: ids to which the two give different names,
        and why masks are not evaluated.

    Raises:
        ClientError: not one category of the model has the same id and name in the data set; the
            model returns masks, and only some annotations have one.
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
    return tuple(notes)


def _check_categories(dataset: Mapping[int, str], model: Mapping[int, str]) -> None:
    if not dataset.items() & model.items():
        raise ClientError(
            "the model was built for other categories than the annotations': it returns "
            f"{some([f'{key} {name}' for key, name in model.items()])}, they have "
            f"{some([f'{key} {name}' for key, name in dataset.items()])}"
        )
