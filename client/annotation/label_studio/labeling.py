"""A project's labeling configuration: which regions it takes, and the labels of the classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

from client.connection.served_model import ServedModel
from client.errors import ClientError

RECTANGLE, BRUSH, KEYPOINT = "RectangleLabels", "BrushLabels", "KeyPointLabels"
CONTROLS = (RECTANGLE, BRUSH, KEYPOINT)


class LabelingError(ClientError):
    """A labeling configuration that a model cannot annotate for."""


@dataclass(frozen=True)
class Control:
    """A tag of `CONTROLS` that takes regions of a picture."""

    kind: str
    name: str
    """Its own name, which regions have as `from_name`."""
    image: str
    """The name of the tag `Image`, which regions have as `to_name`."""
    label_of: Mapping[str, str]
    """The label of each of the model's names that has one: of a class, or of a keypoint."""
    without_label: tuple[str, ...]
    """The model's other names."""


@dataclass(frozen=True)
class Labeling:
    """What of a task is annotated."""

    key: str
    """Of the picture in the task's data."""
    controls: tuple[Control, ...]

    @property
    def names_without_label(self) -> list[str]:
        """A sentence for each control that leaves out some of what the model finds."""
        return [
            f'<{control.kind} name="{control.name}"> has no label for {len(control.without_label)} '
            f"of the model's names, which are left out: {_listed(control.without_label)}"
            for control in self.controls
            if control.without_label
        ]


def labeling_of(config: str, model: ServedModel) -> Labeling:
    """What a model can annotate under a labeling configuration.

    A label is for the class, or for the keypoint, that it is called like, in capitals or not, and
    for those that its attribute `predicted_values` lists with commas between them, as in Label
    Studio's own backends.

    Args:
        config: the XML of the project.
        model: gives the names and says whether there are masks and keypoints.

    Raises:
        LabelingError: not XML; no picture; no control that the model has something for; no label
            that is a name of the model.
    """
    try:
        root = ElementTree.fromstring(config)
    except (ElementTree.ParseError, ValueError) as error:  # ValueError: half a surrogate
        raise LabelingError(f"the labeling configuration is not XML: {error}") from error
    images = {tag.get("name", ""): tag for tag in root.iter("Image")}
    names = _names(model)
    tags = [tag for tag in root.iter() if tag.tag in names and tag.get("toName") in images]
    if not tags:
        raise LabelingError(
            f"the labeling configuration has none of {_tags(names)} for an <Image>, which is what "
            f"the model {model.name} annotates: add one in Settings > Labeling Interface"
        )
    image = tags[0].get("toName", "")
    controls = tuple(_control(tag, names[tag.tag]) for tag in tags if tag.get("toName") == image)
    if not any(control.label_of for control in controls):
        known = sorted({name for kind in names for name in names[kind]})
        raise LabelingError(
            f"no label of {_tags(tag.tag for tag in tags)} is a class of the model {model.name}, "
            f"which has: {_listed(known)}. Call the labels so, or name the class in a label's "
            'predicted_values: <Label value="..." predicted_values="..."/>'
        )
    return Labeling(_key(images[image]), controls)


def _names(model: ServedModel) -> dict[str, tuple[str, ...]]:
    """What the model's regions can be called, for each control that it has regions for."""
    classes = tuple(model.categories.values())
    names = {RECTANGLE: classes}
    if model.has_masks:
        names[BRUSH] = classes
    points = (name for skeleton in model.skeletons.values() for name in skeleton.names)
    if model.has_keypoints and (unique := tuple(dict.fromkeys(points))):
        names[KEYPOINT] = unique
    return names


def _control(tag: ElementTree.Element, names: tuple[str, ...]) -> Control:
    labels: dict[str, str] = {}
    for label in tag.iter("Label"):
        value = label.get("value", "")
        for name in [value, *label.get("predicted_values", "").split(",")]:
            labels.setdefault(name.strip().casefold(), value)
    label_of = {name: labels[name.casefold()] for name in names if name.casefold() in labels}
    without = tuple(name for name in names if name not in label_of)
    return Control(tag.tag, tag.get("name", ""), tag.get("toName", ""), label_of, without)


def _key(image: ElementTree.Element) -> str:
    value = image.get("value", "")
    if not value.startswith("$") or value == "$":
        raise LabelingError(
            f'<Image name="{image.get("name")}"> has the value {value!r}: it has to be that of a '
            'task\'s data, such as value="$image"'
        )
    return value[1:]


def _tags(names: Iterable[str]) -> str:
    return ", ".join(f"<{name}>" for name in names)


def _listed(names: Iterable[str], most: int = 10) -> str:
    """The first of them, and how many more there are."""
    all_names = list(names)
    more = len(all_names) - most
    return ", ".join(all_names[:most]) + (f" and {more} more" if more > 0 else "")
