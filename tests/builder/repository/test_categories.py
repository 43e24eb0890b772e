from __future__ import annotations

import json
from pathlib import Path

import pytest

from builder.errors import BuildError
from builder.repository.categories import COCO_CATEGORIES, Category, categories_for, categories_json
from builder.repository.coco_keypoints import COCO_KEYPOINTS, COCO_SKELETON

DEMO = Path(__file__).resolve().parents[3] / "demo/val/instances.json"


def test_eighty_classes_are_cocos() -> None:
    categories = categories_for(80, None)
    assert categories == COCO_CATEGORIES
    assert len({category.name for category in categories}) == 80
    assert [category.id for category in categories] == sorted(
        set(range(1, 91)) - {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
    )
    assert (categories[0].name, categories[-1].name) == ("person", "toothbrush")


def test_another_number_needs_a_file_and_the_message_says_which() -> None:
    with pytest.raises(BuildError, match=r"has 8 classes .* pass --categories FILE"):
        categories_for(8, None)


def test_a_files_categories_are_in_the_order_of_their_ids(tmp_path: Path) -> None:
    file = tmp_path / "annotations.json"
    file.write_text('{"categories": [{"id": 7, "name": "b"}, {"id": 3, "name": "a"}]}')
    assert categories_for(2, file) == (Category(3, "a"), Category(7, "b"))


def test_an_annotation_file_will_do() -> None:
    assert [category.id for category in categories_for(8, DEMO)] == [1, 2, 3, 5, 8, 13, 21, 34]


def test_clients_read_ids_and_names_as_json() -> None:
    text = categories_json([Category(1, "person"), Category(5, 'a "quoted" naïve name')])
    assert json.loads(text) == [
        {"id": 1, "name": "person"},
        {"id": 5, "name": 'a "quoted" naïve name'},
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "has no list `categories`"),
        (b"{}", "has no list `categories`"),
        (b'{"categories": {"1": "person"}}', "has no list `categories`"),
        (b'{"categories": ["person"]}', "has the entry 'person'; expected an object with `id`"),
        (b'{"categories": [{"name": "person"}]}', "expected an object with `id`"),
        (b'{"categories": [{"id": "1", "name": "person"}]}', "expected an object with `id`"),
        (b'{"categories": [{"id": true, "name": "person"}]}', "expected an object with `id`"),
        (b'{"categories": [{"id": 1, "name": "\\ud800"}]}', "expected an object with `id`"),
        (b'{"categories": [{"id": -1, "name": "person"}]}', "from 0 to 2147483647"),
        (b'{"categories": [{"id": 2147483648, "name": "person"}]}', "from 0 to 2147483647"),
        (b'{"categories": [{"id": 1, "name": ""}]}', "a text that is not empty"),
        (
            b'{"categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}',
            "more than one of id 1",
        ),
        (
            b'{"categories": [{"id": 1, "name": "a"}]}',
            r"has 1 categories, but the configuration has 2 classes \(MODEL.ROI_HEADS.NUM_CLASSES",
        ),
    ],
)
def test_a_file_of_anything_else_is_refused_by_name(
    tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "annotations.json"
    file.write_bytes(content)
    with pytest.raises(BuildError, match=rf"annotations\.json: .*{message}"):
        categories_for(2, file)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(BuildError, match=r"/no/such\.json: cannot be read: No such file"):
        categories_for(8, "/no/such.json")


# Names in a text file.


@pytest.mark.parametrize(
    "content",
    [
        b"cat\ndog\nna\xc3\xafve bird\n",
        b"cat\ndog\nna\xc3\xafve bird",
        b"\xef\xbb\xbfcat\r\ndog\r\nna\xc3\xafve bird\r\n",
        b"cat\rdog\rna\xc3\xafve bird\r",
        b"\n  cat \t\ndog\n\n\nna\xc3\xafve bird\n\n \n",
    ],
    ids=["LF", "no last LF", "BOM and CRLF", "CR", "blank lines and spaces"],
)
def test_a_text_files_names_have_detectron2s_contiguous_ids(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "names.txt"
    file.write_bytes(content)
    expected = (Category(0, "cat"), Category(1, "dog"), Category(2, "naïve bird"))
    assert categories_for(3, file) == expected


def test_a_name_may_hold_what_only_other_places_take_for_a_line(tmp_path: Path) -> None:
    file = tmp_path / "NAMES.TXT"
    file.write_text('a\u2028b\x0cc\n{"categories": []}\n', encoding="utf-8")
    categories = categories_for(2, file)
    assert [category.name for category in categories] == ["a\u2028b\x0cc", '{"categories": []}']
    assert json.loads(categories_json(categories))[0]["name"] == "a\u2028b\x0cc"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"has 0 categories, but the configuration has 2 classes"),
        (b"cat\ndog\nbird", r"has 3 categories, .* that the weights were trained on$"),
        (b"__background__\ncat\ndog", r"has 3 categories.*, without '__background__', which is no"),
        (b"cat\n\ncat\n", r"has 'cat' twice, in lines 1 and 3"),
        (b"\xff\xfec\0a\0t\0", r"is not a text in UTF-8"),
        (b"caf\xe9\nb", r"is not a text in UTF-8"),
    ],
)
def test_a_text_file_of_other_names_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "names.txt"
    file.write_bytes(content)
    with pytest.raises(BuildError, match=rf"names\.txt: {message}"):
        categories_for(2, file)


def test_names_in_a_file_of_another_suffix_are_told_the_suffix(tmp_path: Path) -> None:
    file = tmp_path / "coco.names"
    file.write_text("cat\ndog\n")
    with pytest.raises(BuildError, match=r"names, one a line, have to be in a \.txt"):
        categories_for(2, file)


def test_a_name_that_no_file_can_have_is_refused() -> None:
    with pytest.raises(BuildError, match="cannot be read"):
        categories_for(2, "a\0b.txt")


# Points.


def test_one_class_with_seventeen_points_is_cocos_person() -> None:
    [person] = categories_for(1, None, num_keypoints=17)
    assert (person.id, person.name) == (1, "person")
    assert (person.keypoints, person.skeleton) == (COCO_KEYPOINTS, COCO_SKELETON)
    assert len(COCO_KEYPOINTS) == 17
    assert {end for edge in COCO_SKELETON for end in edge} == set(range(1, 18))
    with pytest.raises(BuildError, match="pass --categories FILE"):
        categories_for(1, None, num_keypoints=5)


def test_points_are_those_of_the_file_and_clients_read_them(tmp_path: Path) -> None:
    file = tmp_path / "annotations.json"
    entry = {"id": 7, "name": "bird", "keypoints": ["beak", "tail"], "skeleton": [[1, 2]]}
    file.write_text(json.dumps({"categories": [entry]}))
    categories = categories_for(1, file, num_keypoints=2)
    assert categories == (Category(7, "bird", ("beak", "tail"), ((1, 2),)),)
    assert json.loads(categories_json(categories)) == [entry]
    assert categories_for(1, file) == (Category(7, "bird"),), "of a model without points"


def test_points_that_the_file_does_not_name_are_cocos_if_they_are_seventeen(
    tmp_path: Path,
) -> None:
    file = tmp_path / "names.txt"
    file.write_text("runner\n")
    assert categories_for(1, file, num_keypoints=17)[0].skeleton == COCO_SKELETON
    assert categories_for(1, file, num_keypoints=5) == (Category(0, "runner"),)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ({"keypoints": ["a"]}, r"id 7: has 1 `keypoints`, but the configuration has 2"),
        ({"keypoints": "ab"}, "`keypoints` is 'ab'; expected a list of names"),
        ({"keypoints": ["a", 2]}, "expected a list of names"),
        ({"keypoints": ["a", "\ud800"]}, "expected a list of names"),
        ({"keypoints": ["a", "b"], "skeleton": [[0, 1]]}, "counted from 1 to 2"),
        ({"keypoints": ["a", "b"], "skeleton": [[1, 2, 1]]}, "expected pairs of points"),
        ({"keypoints": ["a", "b"], "skeleton": {"1": 2}}, "expected pairs of points"),
    ],
)
def test_points_of_anything_else_are_refused(
    tmp_path: Path, points: dict[str, object], message: str
) -> None:
    file = tmp_path / "annotations.json"
    file.write_text(json.dumps({"categories": [{"id": 7, "name": "bird", **points}]}))
    with pytest.raises(BuildError, match=message):
        categories_for(1, file, num_keypoints=2)
