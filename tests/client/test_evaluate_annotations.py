"""`client evaluate` on annotations with faults, without masks, mended, and of other categories."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pycocotools import mask as mask_utils

from client.__main__ import main
from client.coco.summary import Summary
from client.errors import ClientError
from client.result_files import RESULTS, SUMMARY
from client.rle import run_lengths
from server.launch import TritonServer
from tests.client.conftest import Demo, connection_to, evaluate_demo
from tests.client.test_evaluate import requests_served

Content = dict[str, Any]

BOX_AP, MASK_AP = 71.91, 49.19


@pytest.fixture
def base(demo: Demo) -> Content:
    """The demo's second picture alone: six annotations."""
    (image,) = (image for image in demo.content["images"] if image["id"] == 2)
    found = [each for each in demo.content["annotations"] if each["image_id"] == 2]
    return copy.deepcopy({**demo.content, "images": [image], "annotations": found})


def with_annotations(demo: Demo, folder: Path, content: object) -> Demo:
    file = folder / "instances.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return dataclasses.replace(demo, annotations=file)


def first(content: Content) -> Any:
    return content["annotations"][0]


def set_counts(change: Callable[[list[int]], object], encoded: bool) -> Callable[[Content], None]:
    def set_in(content: Content) -> None:
        size = first(content)["segmentation"]["size"]
        runs = run_lengths(first(content)["segmentation"]["counts"].encode()).tolist()
        change(runs)
        counts = runs
        if encoded:
            counts = mask_utils.frPyObjects({"size": size, "counts": runs}, *size)[
                "counts"
            ].decode()
        first(content)["segmentation"]["counts"] = counts

    return set_in


def add_one(runs: list[int]) -> None:
    runs[-1] += 1


def take_one(runs: list[int]) -> None:
    runs[-1] -= 1


def set_all_sizes(content: Content) -> None:
    for annotation in content["annotations"]:
        annotation["segmentation"]["size"].reverse()


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (set_counts(add_one, encoded=False), "segmentation.counts is 153601, expected 153600"),
        (set_counts(take_one, encoded=True), "segmentation.counts is 153599, expected 153600"),
        (lambda content: first(content).update(segmentation=[[0, 0, None, 0, 5, 5]]),
         "segmentation[0][2] is null, expected a number"),
        (lambda content: first(content)["segmentation"].update(size=[0, 0]),
         "segmentation.size is [0, 0], expected [320, 480], the picture's own height and width"),
        (lambda content: first(content)["bbox"].append(0), "bbox is [290.0, 71.0, 177.0, 183.0, 0"),
        (lambda content: first(content).update(bbox=[None] * 4), "bbox is [null, null, null"),
        (lambda content: first(content).update(iscrowd=None), "iscrowd is null, expected 0 or 1"),
        (lambda content: first(content).update(iscrowd="0"), 'iscrowd is "0", expected 0 or 1'),
        (set_all_sizes, "segmentation.size is [480, 320], expected [320, 480]"),
    ],
)  # fmt: skip
def test_faulty_annotations_are_refused_before_a_picture_is_sent(
    recorded_server: TritonServer,
    demo: Demo,
    base: Content,
    tmp_path: Path,
    damage: Callable[[Content], object],
    fault: str,
) -> None:
    damage(base)
    faulty = with_annotations(demo, tmp_path, base)
    before = requests_served(recorded_server)

    with pytest.raises(ClientError) as refused:
        evaluate_demo(faulty, connection_to(recorded_server), tmp_path / "out")

    message = str(refused.value)
    assert message.startswith(f"--annotations: {faulty.annotations} is not COCO's format:\n")
    assert "annotations[0] (id 5): " in message
    assert fault in message
    assert requests_served(recorded_server) == before
    assert not (tmp_path / "out").exists()


def no_change(content: Content) -> None:
    pass


def uncompress(content: Content) -> None:
    set_counts(lambda runs: None, encoded=False)(content)


def write_iscrowd_otherwise(content: Content) -> None:
    del content["annotations"][0]["iscrowd"]
    content["annotations"][1]["iscrowd"] = False


def add_keys(content: Content) -> None:
    content["info"] = [[[{}]]]
    content["annotations"][0].update(ignore=1, score=None, caption="", keypoints=[])


def number_from_zero(content: Content) -> None:
    for number, annotation in enumerate(content["annotations"]):
        annotation["id"] = number


@pytest.mark.parametrize(
    "change", [no_change, uncompress, write_iscrowd_otherwise, add_keys, number_from_zero]
)
def test_what_is_written_otherwise_and_means_the_same_has_the_same_figures(
    recorded_server: TritonServer,
    demo: Demo,
    base: Content,
    tmp_path: Path,
    change: Callable[[Content], None],
) -> None:
    change(base)

    summary = evaluate_demo(
        with_annotations(demo, tmp_path, base), connection_to(recorded_server), tmp_path / "out"
    )

    assert summary.metrics["bbox"].values["AP"] == pytest.approx(BOX_AP, abs=5e-3)
    assert summary.metrics["segm"].values["AP"] == pytest.approx(MASK_AP, abs=5e-3)
    assert summary.notes == ()


@pytest.mark.parametrize("empty", [[], None])
def test_data_without_masks_are_evaluated_for_boxes_and_it_is_said(
    recorded_server: TritonServer,
    demo: Demo,
    base: Content,
    tmp_path: Path,
    empty: object,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for annotation in base["annotations"]:
        annotation["segmentation"] = empty
    boxes = with_annotations(demo, tmp_path, base)

    code = main(
        ["evaluate", "--images", str(demo.images), "--annotations", str(boxes.annotations),
         "--url", recorded_server.grpc_url, "--output", str(tmp_path / "out")]
    )  # fmt: skip

    printed = capsys.readouterr()
    note = f"masks are not evaluated: no annotation in {boxes.annotations} has a segmentation"
    assert code == 0
    assert printed.err.startswith(f"note: {note}\n")
    assert f"\nnote: {note}\n" in printed.out
    assert printed.out.splitlines()[-1].startswith("box AP 71.91, AP50 ")
    assert json.loads((tmp_path / "out" / SUMMARY).read_text())["notes"] == [note]


def test_one_annotation_without_a_mask_is_refused_by_name_and_is_none_of_a_box_models_concern(
    recorded_server: TritonServer,
    boxes_only_server: TritonServer,
    demo: Demo,
    base: Content,
    tmp_path: Path,
) -> None:
    del base["annotations"][0]["segmentation"]
    partly = with_annotations(demo, tmp_path, base)
    before = requests_served(recorded_server)

    with pytest.raises(
        ClientError, match=r"instances\.json: there is no segmentation in annotations\[0\] \(id 5\)"
    ):
        evaluate_demo(partly, connection_to(recorded_server), tmp_path / "out")

    assert requests_served(recorded_server) == before
    summary = evaluate_demo(partly, connection_to(boxes_only_server), tmp_path / "boxes")
    assert summary.metrics["bbox"].values["AP"] == pytest.approx(BOX_AP, abs=5e-3)
    assert summary.notes == ("masks are not evaluated: the model returns none",)


def test_names_that_contradict_the_models_are_told_before_a_picture_is_sent(
    recorded_server: TritonServer, demo: Demo, base: Content, tmp_path: Path
) -> None:
    square, triangle = base["categories"][1:3]
    square["name"], triangle["name"] = triangle["name"], square["name"]
    swapped = with_annotations(demo, tmp_path, base)

    summary = evaluate_demo(swapped, connection_to(recorded_server), tmp_path / "out")

    assert [note.partition(":")[0] for note in summary.notes] == [
        f"category 2 is 'triangle' in {swapped.annotations} and 'square' in the model",
        f"category 3 is 'square' in {swapped.annotations} and 'triangle' in the model",
    ]
    assert summary.metrics["bbox"].values["AP"] == pytest.approx(BOX_AP, abs=5e-3)


def test_each_id_of_a_name_that_is_used_twice_has_its_figure(
    recorded_server: TritonServer, demo: Demo, base: Content, tmp_path: Path
) -> None:
    base["categories"].append({"id": 99, "name": "triangle"})

    evaluate_demo(
        with_annotations(demo, tmp_path, base), connection_to(recorded_server), tmp_path / "out"
    )

    values = json.loads((tmp_path / "out" / SUMMARY).read_text())["bbox"]
    assert values["AP"] == pytest.approx(BOX_AP, abs=5e-3)
    assert values["AP-triangle (id 3)"] > 0
    assert values["AP-triangle (id 99)"] is None


def test_after_mending_the_annotations_no_picture_is_sent_again(
    recorded_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    content = copy.deepcopy(demo.content)
    for annotation in content["annotations"]:
        annotation["bbox"][2] /= 2

    def run(content: Content) -> Summary:
        other = with_annotations(demo, tmp_path, content)
        return evaluate_demo(other, connection_to(recorded_server), tmp_path / "out", resume=True)

    first_figures = run(content).metrics["bbox"].values["AP"]
    before = requests_served(recorded_server)
    summary = run(demo.content)

    assert requests_served(recorded_server) == before
    assert summary.resumed == 64
    assert summary.metrics["bbox"].values["AP"] == pytest.approx(80.3482, abs=1e-3)
    assert first_figures is not None
    assert first_figures < 70

    content["images"][0]["file_name"] = content["images"][1]["file_name"]
    with pytest.raises(ClientError, match=r"another run: pictures\.sha256_of_ids_names_and_sizes"):
        run(content)


def test_damaged_results_are_told_when_resumed(
    recorded_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    evaluate_demo(demo, connection_to(recorded_server), tmp_path)
    file = tmp_path / RESULTS
    header, line, *rest = file.read_text().splitlines(keepends=True)
    content = json.loads(line)
    content["results"][0]["segmentation"]["counts"] += "1"
    file.write_text("".join([header, json.dumps(content) + "\n", *rest]))

    with pytest.raises(
        ClientError,
        match=rf"line of image_id {content['image_id']} in .* is damaged: detection 1: .* not add "
        r"up .* Delete that line to resume without it",
    ):
        evaluate_demo(demo, connection_to(recorded_server), tmp_path, resume=True)

    file.write_text("".join([header, *rest]))
    assert evaluate_demo(demo, connection_to(recorded_server), tmp_path, resume=True).resumed == 63
