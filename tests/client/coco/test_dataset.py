"""Data sets as they come."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from client.coco.dataset import load_dataset
from client.errors import ClientError

Content = dict[str, Any]
NormalForm = Literal["NFC", "NFD"]


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


def test_faults_are_told_with_the_file_and_how_to_go_on(images: Path, tmp_path: Path) -> None:
    data = content()
    data["annotations"][0].update(bbox=None, area=-1)
    file = write(tmp_path, data)

    with pytest.raises(ClientError) as refused:
        load_dataset(images, file)

    first, *faults, last = str(refused.value).splitlines()
    assert first == f"--annotations: {file} is not COCO's format:"
    assert [fault.partition(",")[0] for fault in faults] == [
        "  annotations[0]: bbox is null",
        "  annotations[0]: area is -1",
    ]
    assert last.endswith("after mending, an evaluation goes on with --resume.")


@pytest.mark.parametrize("name", ["sub", "absent.jpg", "a" * 300 + ".jpg", "a.jpg/b.jpg"])
def test_a_picture_that_is_not_there_is_named(images: Path, tmp_path: Path, name: str) -> None:
    data = content()
    data["images"][0].update(file_name=name)

    with pytest.raises(ClientError, match=f"1 of the 2 pictures named in .* are not in .*: {name}"):
        load_dataset(images, write(tmp_path, data))


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("form_on_disk", ["NFC", "NFD"])
def test_a_file_name_is_found_in_either_form_of_unicode(
    images: Path, tmp_path: Path, form: NormalForm, form_on_disk: NormalForm
) -> None:
    data = content()
    data["images"][0].update(file_name=unicodedata.normalize(form, "sub/é한.jpg"))
    path = images / unicodedata.normalize(form_on_disk, "sub/é한.jpg")
    path.write_bytes(b"")

    dataset = load_dataset(images, write(tmp_path, data))

    assert [image.path for image in dataset.images] == [path, images / "sub" / "b.jpg"]


def test_of_two_names_that_differ_in_form_alone_each_is_its_own(
    images: Path, tmp_path: Path
) -> None:
    data = content()
    names = [unicodedata.normalize("NFC", "é.jpg"), unicodedata.normalize("NFD", "é.jpg")]
    for image, name in zip(data["images"], names, strict=True):
        image["file_name"] = name
        (images / name).write_bytes(b"")

    dataset = load_dataset(images, write(tmp_path, data))

    assert [image.path for image in dataset.images] == [images / name for name in names]


def mend_everything_else(data: Content) -> None:
    data["annotations"][0].update(bbox=[2, 2, 3, 4], area=1, segmentation=[])
    data["categories"][0]["name"] = "people"
    data["info"] = {"version": 2}


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (mend_everything_else, True),
        (lambda data: data["images"][1].update(id=8), False),
        (lambda data: data["images"][0].update(file_name="sub/b.jpg"), False),
        (lambda data: data["images"][0].update(height=31), False),
        (lambda data: data["images"][0].update(width=41), False),
        (lambda data: data["images"].pop(), False),
        (lambda data: data["images"].reverse(), False),
    ],
)
def test_what_decides_the_answers_is_the_pictures_alone(
    images: Path, tmp_path: Path, change: Callable[[Content], object], same: bool
) -> None:
    before = load_dataset(images, write(tmp_path, content())).pictures
    data = content()
    change(data)

    assert (load_dataset(images, write(tmp_path, data)).pictures == before) is same


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "7",
        "{",
        '{"images": 1}',
        "\x00\x01",
        "[" * 200_000,
        '{"images": ' + "[" * 200_000 + "]" * 200_000 + "}",
        "9" * 5000,
        "\N{BYTE ORDER MARK}{}",
    ],
)
def test_a_file_that_is_not_coco_is_refused(images: Path, tmp_path: Path, text: str) -> None:
    with pytest.raises(ClientError, match="--annotations"):
        load_dataset(images, write(tmp_path, text))


def test_missing_folder_and_file_are_named(images: Path, tmp_path: Path) -> None:
    with pytest.raises(ClientError, match=r"no folder .*nowhere: No such"):
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
