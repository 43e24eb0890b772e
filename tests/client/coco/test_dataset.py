"""Data sets as they come, and detections in COCO's format."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from client.coco.dataset import check_categories, coco_results, load_dataset
from client.detections import Detections
from client.errors import ClientError

Content = dict[str, Any]


def content() -> Content:
    return {
        "images": [
            {"id": 7, "file_name": "a.jpg", "width": 40, "height": 30},
            {"id": 3, "file_name": "sub/b.jpg", "width": 40, "height": 30},
        ],
        "annotations": [
            {"image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4], "area": 12.0,
             "segmentation": [[1, 2, 4, 2, 4, 6]]}
        ],
        "categories": [{"id": 1, "name": "person"}],
    }  # fmt: skip


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.jpg", "sub/b.jpg"):
        (folder / name).write_bytes(b"never opened here")
    return folder


def write(folder: Path, data: object) -> Path:
    file = folder / "instances.json"
    file.write_text(data if isinstance(data, str) else json.dumps(data))
    return file


def test_images_keep_their_order_and_those_without_annotations_count(
    images: Path, tmp_path: Path
) -> None:
    dataset = load_dataset(images, write(tmp_path, content()))

    assert [(image.id, image.path) for image in dataset.images] == [
        (7, images / "a.jpg"),
        (3, images / "sub" / "b.jpg"),
    ]
    assert dataset.categories == {1: "person"}
    assert dataset.has_segmentations


def test_annotations_of_boxes_alone_are_a_data_set_without_segmentations(
    images: Path, tmp_path: Path
) -> None:
    data = content()
    del data["annotations"][0]["segmentation"]

    assert not load_dataset(images, write(tmp_path, data)).has_segmentations


def set_file_name(name: object) -> Callable[[Content], object]:
    return lambda data: data["images"][0].update(file_name=name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_file_name("../../etc/passwd"), "does not name a file in the folder of pictures"),
        (set_file_name("sub/../../secret.jpg"), "does not name a file in the folder of pictures"),
        (set_file_name("/etc/passwd"), "does not name a file in the folder of pictures"),
        (set_file_name("a.jpg\0.png"), "does not name a file in the folder of pictures"),
        (set_file_name(""), "does not name a file in the folder of pictures"),
        (set_file_name("."), "does not name a file in the folder of pictures"),
        (set_file_name("sub"), "1 of the 2 pictures .* are not in"),
        (set_file_name("absent.jpg"), "1 of the 2 pictures .* are not in .*absent.jpg"),
        (set_file_name(7), r"images\[0\] has no proper 'file_name'"),
        (lambda data: data.pop("images"), "no list 'images'"),
        (lambda data: data.update(annotations={}), "no list 'annotations'"),
        (lambda data: data["images"].clear(), "names no images"),
        (lambda data: data["images"].append(None), r"images\[2\] has no proper 'id'"),
        (lambda data: data["images"][1].update(id=7), "ids of images are used more than once: 7"),
        (lambda data: data["images"][1].update(height=None), r"images\[1\] .* 'height'"),
        (lambda data: data["annotations"][0].pop("area"), r"annotations\[0\] .* 'area'"),
        (lambda data: data["annotations"][0].update(segmentation=[]), "neither polygons nor RLE"),
        (lambda data: data["annotations"][0].update(segmentation=[[1, 2]]), "neither polygons"),
        (lambda data: data["categories"].append({"id": 1}), r"categories\[1\] .* 'name'"),
    ],
)
def test_a_faulty_annotation_file_is_refused_and_the_fault_named(
    images: Path, tmp_path: Path, change: Callable[[Content], object], message: str
) -> None:
    data = content()
    change(data)

    with pytest.raises(ClientError, match=message):
        load_dataset(images, write(tmp_path, data))


@pytest.mark.parametrize("text", ["", "[]", "7", "{", '{"images": 1}', "\x00\x01"])
def test_a_file_that_is_not_coco_is_refused(images: Path, tmp_path: Path, text: str) -> None:
    with pytest.raises(ClientError, match="--annotations"):
        load_dataset(images, write(tmp_path, text))


def test_missing_folder_and_file_are_named(images: Path, tmp_path: Path) -> None:
    with pytest.raises(ClientError, match=r"no folder .*nowhere"):
        load_dataset(tmp_path / "nowhere", write(tmp_path, content()))
    with pytest.raises(ClientError, match=r"cannot read .*nothing\.json: No such file"):
        load_dataset(images, tmp_path / "nothing.json")


def test_all_missing_pictures_are_counted_and_the_first_listed(
    images: Path, tmp_path: Path
) -> None:
    data = content()
    data["images"] += [
        {"id": 100 + i, "file_name": f"{i:03}.jpg", "width": 4, "height": 3} for i in range(25)
    ]

    with pytest.raises(ClientError, match=r"25 of the 27 .*: 000\.jpg, .*009\.jpg and 15 more"):
        load_dataset(images, write(tmp_path, data))


def test_results_are_written_as_detectron2_writes_them(images: Path, tmp_path: Path) -> None:
    image = load_dataset(images, write(tmp_path, content())).images[0]
    detections = Detections(
        boxes=np.array([[1.5, 2.25, 11.75, 8.0]], np.float32),
        scores=np.array([0.75], np.float32),
        category_ids=np.array([34], np.int32),
        masks=("abc",),
    )

    assert coco_results(image, detections) == [
        {
            "image_id": 7,
            "category_id": 34,
            "bbox": [1.5, 2.25, 10.25, 5.75],
            "score": 0.75,
            "segmentation": {"size": [30, 40], "counts": "abc"},
        }
    ]


def test_a_model_of_other_categories_is_refused_and_a_subset_is_not() -> None:
    check_categories({1: "person", 2: "bicycle"}, {2: "bicycle"})
    with pytest.raises(ClientError, match="returns 1 circle, 2 square, they have 1 person"):
        check_categories({1: "person", 2: "bicycle"}, {1: "circle", 2: "square"})
