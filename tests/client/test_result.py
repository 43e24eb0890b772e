"""What was found in a picture, and what other tools make of it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from client.detections import Detections, Skeleton
from client.errors import ClientError, PictureError, RequestFailed
from client.pictures.encoded import EncodedPicture
from client.result import Result

HEIGHT, WIDTH = 40, 60
CATEGORIES = {1: "person", 7: "train"}
SKELETONS = {1: Skeleton(("nose", "neck"), ((0, 1),))}


def masks() -> np.ndarray:
    """Two rectangles and one without a pixel, bool [3, HEIGHT, WIDTH]."""
    masks = np.zeros((3, HEIGHT, WIDTH), np.bool_)
    masks[0, 10:20, 5:25] = masks[1, 0:30, 30:60] = True
    return masks


def rles() -> tuple[str, ...]:
    return tuple(coco_mask.encode(np.asfortranarray(mask))["counts"].decode() for mask in masks())


def result(
    path: Path | None = None, *, rle: tuple[str, ...] | None = None, keypoints: bool = False
) -> Result:
    content = io.BytesIO()
    Image.new("RGB", (WIDTH, HEIGHT), "white").save(content, "PNG")
    if path:
        path.write_bytes(content.getvalue())
    points = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    detections = Detections(
        boxes=np.array([[5, 10, 25, 20], [30, 0, 60, 30], [1, 1, 3, 3]], np.float32),
        scores=np.array([0.9, 0.75, 0.5], np.float32),
        category_ids=np.array([1, 7, 9], np.int32),
        masks=rles() if rle is None else rle,
        keypoints=np.concatenate([points, points[:1]]) if keypoints else None,
    )
    return Result.of(
        EncodedPicture.of(path or content.getvalue()), detections, CATEGORIES, SKELETONS
    )


def without_masks(found: Result) -> Result:
    boxes = Detections(
        boxes=found.boxes, scores=found.scores, category_ids=found.class_ids, masks=None
    )
    return Result.of(EncodedPicture.of(found.draw()), boxes, CATEGORIES, {})


def test_it_is_read_at_the_prompt() -> None:
    assert repr(result()) == "<Result 60x40: person 0.90, train 0.75, 9 0.50>"
    assert len(result()) == 3


def test_masks_are_decoded_when_asked_for() -> None:
    found = result()
    assert found.masks is not None
    assert np.array_equal(found.masks, masks())
    assert found.masks is found.masks
    assert without_masks(found).masks is None


@pytest.mark.parametrize("make", ["masks", "draw", "to_fiftyone", "to_labelme", "to_supervision"])
@pytest.mark.parametrize("counts", ["", "0" * 400, "PPPPPPPPPPP"])
def test_a_damaged_mask_is_a_fault_of_the_answer(make: str, counts: str, tmp_path: Path) -> None:
    if make in ("to_fiftyone", "to_supervision"):
        pytest.importorskip(make.removeprefix("to_"))
    found = result(tmp_path / "a.png", rle=(counts, counts, counts))
    with pytest.raises(RequestFailed, match="the server's masks are not of its size 60x40"):
        _ = found.masks if make == "masks" else getattr(found, make)()


def test_to_coco_is_what_pycocotools_loads() -> None:
    entries = json.loads(json.dumps(result(keypoints=True).to_coco(17)))
    assert [each["image_id"] for each in entries] == [17] * 3
    assert [each["category_id"] for each in entries] == [1, 7, 9]
    assert entries[0]["bbox"] == [5, 10, 20, 10]
    assert np.array_equal(coco_mask.decode(entries[1]["segmentation"]), masks()[1])
    assert entries[0]["keypoints"] == [-0.5, 0.5, 2, 2.5, 3.5, 5]


def test_to_json_names_points_where_the_model_does() -> None:
    entries = json.loads(json.dumps(result(keypoints=True).to_json()))["detections"]
    assert entries[0]["keypoints"][1] == {"name": "neck", "x": 3, "y": 4, "score": 5}
    assert [point["name"] for point in entries[1]["keypoints"]] == [None, None]
    assert [entry["category"] for entry in entries] == ["person", "train", None]


def test_to_labelme_holds_every_pixel(tmp_path: Path) -> None:
    content = json.loads(json.dumps(result(tmp_path / "a.png", keypoints=True).to_labelme()))
    assert (content["imagePath"], content["imageWidth"], content["imageHeight"]) == (
        "a.png",
        WIDTH,
        HEIGHT,
    )
    kinds = [shape["shape_type"] for shape in content["shapes"]]
    assert kinds == [
        "mask",
        "point",
        "point",
        "mask",
        "point",
        "point",
        "rectangle",
        *["point"] * 2,
    ]
    first = content["shapes"][0]
    assert first["points"] == [[5, 10], [24, 19]], "both corners are pixels of it"
    assert [shape["label"] for shape in content["shapes"][:3]] == ["person", "nose", "neck"]
    assert {shape["group_id"] for shape in content["shapes"][:3]} == {0}
    with pytest.raises(ClientError, match="give to_labelme"):
        result().to_labelme()
    assert result().to_labelme("sub/b.png")["imagePath"] == "sub/b.png"


def test_drawing_reads_the_file_again(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    found = result(path)
    assert np.array_equal(np.asarray(found.draw()), np.asarray(result().draw()))
    Image.new("RGB", (WIDTH, HEIGHT + 1)).save(path)
    with pytest.raises(PictureError, match=r"a\.png has changed: it is 60x41 now, and was 60x40"):
        found.draw()
    path.unlink()
    with pytest.raises(PictureError, match=r"a\.png: cannot read it"):
        found.draw()
