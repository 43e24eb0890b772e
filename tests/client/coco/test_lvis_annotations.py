"""LVIS's annotation files: where their pictures are, and what must be in them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.repository.categories import categories_for
from client.coco.dataset import load_dataset
from client.coco.model_match import match
from client.errors import ClientError

Content = dict[str, Any]


def content() -> Content:
    return {
        "images": [
            {"id": 397133, "height": 427, "width": 640, "neg_category_ids": [2],
             "coco_url": "http://images.cocodataset.org/val2017/000000397133.jpg",
             "not_exhaustive_category_ids": []},
            {"id": 30, "height": 428, "width": 640, "neg_category_ids": [],
             "coco_url": "http://images.cocodataset.org/train2017/000000000030.jpg",
             "not_exhaustive_category_ids": [1]},
        ],
        "annotations": [
            {"id": 1, "image_id": 397133, "category_id": 1, "bbox": [1, 2, 3, 4], "area": 12.0,
             "segmentation": [[1, 2, 4, 2, 4, 6]]}
        ],
        "categories": [
            {"id": 1, "name": "aerosol_can", "frequency": "c"},
            {"id": 2, "name": "air_conditioner", "frequency": "f"},
        ],
    }  # fmt: skip


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "coco"
    for name in ("val2017/000000397133.jpg", "train2017/000000000030.jpg"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(b"never opened here")
    return folder


def write(folder: Path, data: Content) -> Path:
    file = folder / "lvis_v1_val.json"
    file.write_text(json.dumps(data))
    return file


def test_pictures_are_where_the_last_two_parts_of_their_url_say(
    images: Path, tmp_path: Path
) -> None:
    dataset = load_dataset(images, write(tmp_path, content()))

    assert dataset.is_lvis
    assert [(image.id, image.file_name, image.path) for image in dataset.images] == [
        (397133, "val2017/000000397133.jpg", images / "val2017" / "000000397133.jpg"),
        (30, "train2017/000000000030.jpg", images / "train2017" / "000000000030.jpg"),
    ]


def test_a_missing_picture_is_told_with_its_path_and_what_the_folder_is(
    images: Path, tmp_path: Path
) -> None:
    with pytest.raises(ClientError) as raised:
        load_dataset(images / "val2017", write(tmp_path, content()))

    assert str(raised.value).endswith(
        f"There is no {images}/val2017/val2017/000000397133.jpg: for LVIS --images is the folder "
        "that holds train2017/ and val2017/"
    )


def test_a_file_with_nothing_of_lvis_is_cocos(images: Path, tmp_path: Path) -> None:
    data = content()
    for image in data["images"]:
        del image["neg_category_ids"], image["not_exhaustive_category_ids"]
        image["file_name"] = "val2017/000000397133.jpg"

    assert not load_dataset(images, write(tmp_path, data)).is_lvis


def set_url(url: object) -> Callable[[Content], object]:
    return lambda data: data["images"][1].update(coco_url=url)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data["images"][1].pop("neg_category_ids"),
         r"images\[1\] \(id 30\): neg_category_ids is missing, expected a list of ids"),
        (lambda data: data["images"][0].pop("not_exhaustive_category_ids"),
         r"images\[0\] \(id 397133\): not_exhaustive_category_ids is missing"),
        (lambda data: data["images"][0].update(neg_category_ids=None),
         r"neg_category_ids is null, expected a list"),
        (lambda data: data["images"][0].update(neg_category_ids=["1"]),
         r'neg_category_ids is \["1"\], expected a list'),
        (lambda data: data["images"][0].pop("coco_url"), r"coco_url is missing, expected a URL"),
        (set_url(7), r"images\[1\] \(id 30\): coco_url is 7, expected"),
        (set_url("http://host/../a.jpg"), r'coco_url is "http://host/../a.jpg", expected a URL'),
        (set_url("http://a.jpg"), r'coco_url is "http://a.jpg", expected a URL'),
        (lambda data: data["categories"][1].pop("frequency"),
         r"categories\[1\] \(id 2\): frequency is missing, expected one of 'r', 'c', 'f'"),
        (lambda data: data["categories"][1].update(frequency="often"),
         r'frequency is "often", expected one of'),
        (lambda data: data["categories"][1].update(frequency=["r"]), r'frequency is \["r"\]'),
    ],
)  # fmt: skip
def test_a_faulty_annotation_file_is_refused_and_the_fault_named(
    images: Path, tmp_path: Path, change: Callable[[Content], object], message: str
) -> None:
    data = content()
    change(data)

    with pytest.raises(ClientError, match=message):
        load_dataset(images, write(tmp_path, data))


def test_a_build_numbers_lvis_classes_as_detectron2_does(images: Path, tmp_path: Path) -> None:
    """Class i has the id i + 1 (`load_lvis_json`), and these are the ids of the annotations."""
    data = content()
    data["categories"] = [
        {"id": i, "name": f"thing_{i}", "frequency": "rcf"[i % 3]} for i in range(1203, 0, -1)
    ]
    file = write(tmp_path, data)

    categories = categories_for(1203, file)

    assert [category.id for category in categories] == list(range(1, 1204))
    built = {category.id: category.name for category in categories}
    assert built == load_dataset(images, file).categories
    assert match(load_dataset(images, file), built, has_masks=True) == ()
