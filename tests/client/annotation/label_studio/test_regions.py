"""Labels and regions of a model that finds masks and keypoints."""

from __future__ import annotations

from dataclasses import replace

import pytest

from client.annotation.label_studio.labeling import LabelingError, labeling_of
from client.annotation.label_studio.regions import prediction_of
from client.connection.served_model import ServedModel
from client.detections import Skeleton
from tests.client.test_result import CATEGORIES, SKELETONS, result

CONFIG = """<View>
  <Image name="i" value="$image"/>
  <KeyPointLabels name="k" toName="i"><Label value="Nose"/></KeyPointLabels>
  <BrushLabels name="b" toName="i"><Label value="a" predicted_values="person"/></BrushLabels>
</View>"""


def model(*, has_keypoints: bool = True) -> ServedModel:
    outputs = {"masks": "BYTES"} | ({"keypoints": "FP32"} if has_keypoints else {})
    identity = {"people": {"outputs": outputs, "parameters": {}}}
    return ServedModel("people", CATEGORIES, identity, "2.51.0", SKELETONS)


def test_keypoints_are_regions_of_their_own() -> None:
    regions = prediction_of(result(keypoints=True), labeling_of(CONFIG, model()), "1")["result"]
    assert [(each["from_name"], each["type"]) for each in regions] == [
        ("k", "keypointlabels"),
        ("b", "brushlabels"),
    ]
    # The point at 0, 1 of a picture of 60 x 40.
    value = regions[0]["value"]
    assert (value["x"], value["y"], value["keypointlabels"]) == (0, 2.5, ["Nose"])


def test_a_model_without_keypoints_leaves_them_out() -> None:
    labeling = labeling_of(CONFIG, model(has_keypoints=False))
    assert [control.kind for control in labeling.controls] == ["BrushLabels"]


def test_points_without_names_can_have_no_label() -> None:
    unnamed = replace(model(), skeletons={1: Skeleton((), ())})
    points_alone = CONFIG.replace("BrushLabels", "PolygonLabels")
    with pytest.raises(LabelingError, match="has none of <RectangleLabels>, <BrushLabels> for an"):
        labeling_of(points_alone, unnamed)
