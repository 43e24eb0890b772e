"""The page about an evaluation: what it says, that it needs nothing else, and how large it gets."""

from __future__ import annotations

import copy
import dataclasses
import html
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from client.analysis.changes import KINDS
from client.coco.dataset import load_annotations
from client.report.evaluation import Evaluation, read_compared, read_evaluation
from client.report.write import write_report
from tests.client.report.conftest import ANNOTATIONS, CONTENT, IMAGES, demo_results
from tests.finished_evaluation import identity, write_evaluation


def page_of(evaluation: Evaluation, folder: Path, compared: Evaluation | None = None) -> str:
    path = folder / "report.html"
    write_report(path, evaluation, compared)
    return path.read_text()


def sections(page: str) -> list[str]:
    return re.findall("<h2>(.*?)</h2>", page)


def first_line(page: str) -> str:
    (line,) = re.findall("<h1>(.*?)</h1>", page)
    return html.unescape(line)


def test_it_begins_with_the_finding_and_has_every_part(c4: Path, tmp_path: Path) -> None:
    page = page_of(read_evaluation(c4), tmp_path)

    assert first_line(page) == (
        "Box AP 80.3 and mask AP 72.2 on 64 pictures: wrong categories cost most, 3.5 points of "
        "box AP50."
    )
    assert sections(page) == [
        *("Average precision", "Worst false positives", "Worst misses"),
        *("Categories", "Precision and recall", "Confusion", "Scores"),
        *("Latency and throughput", "Setting"),
    ]
    assert page.count("<td>80.35</td>") == 1
    assert page.count("<figure><figcaption><b>") == 24
    assert page.count('href="data:image/jpeg;base64,') == 48
    assert "Of 64 requests, as the client saw them" in page


def test_it_needs_no_other_file_and_no_network(c4: Path, fpn: Path, tmp_path: Path) -> None:
    evaluation = read_evaluation(c4)
    compared = read_compared(fpn, evaluation.dataset, evaluation.images)
    page = page_of(evaluation, tmp_path, compared)

    addresses = re.findall(r'(?:src|href|action|data|poster)\s*=\s*"([^"]{0,11})', page)
    assert set(addresses) == {"data:image/"}
    assert not re.findall(r"url\(|@import|<script|<link|<iframe|<object|javascript:|\son\w+=", page)
    assert "default-src 'none'" in page


def test_against_another_evaluation_it_tells_what_differs(
    c4: Path, fpn: Path, tmp_path: Path
) -> None:
    evaluation = read_evaluation(fpn)
    compared = read_compared(c4, evaluation.dataset, evaluation.images)
    page = page_of(evaluation, tmp_path, compared)

    assert first_line(page).startswith(
        "Box AP \N{MINUS SIGN}1.15 and mask AP +8.12 against c4: 205 of 364 detections changed."
    )
    assert sections(page)[:2] == ["Differences", "Detections that changed"]
    table = page.partition("right after</th>")[2].partition("</table>")[0]
    rows = re.findall(r"<tr><td>([\w ]+)</td><td>[^<]*</td><td>(\d+)</td>", table)
    counts = {kind: int(count) for kind, count in rows}
    assert sum(counts.values()) == 364
    assert counts.pop("as it was") == 364 - 205
    assert counts.keys() == {*KINDS}
    assert counts["category changed"] == 9
    assert '<div class="panel"><h4>c4</h4>' in page
    assert '<div class="panel"><h4>fpn</h4>' in page


def test_an_evaluation_does_not_differ_from_itself(c4: Path, tmp_path: Path) -> None:
    evaluation = read_evaluation(c4)
    page = page_of(evaluation, tmp_path, read_compared(c4, evaluation.dataset, evaluation.images))

    expected = f"Box AP 0.00 and mask AP 0.00 against {c4}: none of 281 detections changed."
    assert first_line(page) == expected
    assert "The two are of the same build." in page


def test_a_model_without_masks_is_told_of_by_its_boxes(tmp_path: Path) -> None:
    results = [
        {k: v for k, v in each.items() if k != "segmentation"} for each in demo_results("C4")
    ]
    model = identity(CONTENT["categories"], outputs=["boxes"])
    folder = write_evaluation(tmp_path / "boxes", IMAGES, ANNOTATIONS, results, model)

    page = page_of(read_evaluation(folder), tmp_path)

    assert first_line(page).startswith("Box AP 80.3 on 64 pictures: ")
    assert "masks are not evaluated: the model returns none" in page
    assert ">mask AP<" not in page


def test_points_are_told_of_and_drawn(tmp_path: Path) -> None:
    content = copy.deepcopy(CONTENT)
    for entry in content["annotations"]:
        x, y, width, height = entry["bbox"]
        entry.update(keypoints=[x, y, 2, x + width, y + height, 2], num_keypoints=2)
    file = tmp_path / "keypoints.json"
    file.write_text(json.dumps(content))
    results = demo_results("C4")
    for result in results:
        x, y, width, height = result["bbox"]
        result["keypoints"] = [x, y, 0.9, x + width, y + height, 0.9]
    model = identity(
        CONTENT["categories"],
        outputs=["boxes", "keypoints", "masks"],
        parameters={"keypoint_oks_sigmas": "0.1,0.1"},
    )
    folder = write_evaluation(tmp_path / "points", IMAGES, file, results, model)

    page = page_of(read_evaluation(folder), tmp_path)

    assert re.match(r"Box AP 80\.3, mask AP 72\.2 and keypoint AP \d\d\.\d on", first_line(page))
    assert '<circle class="keypoint"' in page
    assert "IoU (of keypoints: OKS)" in page


def test_lvis_is_told_of_with_its_own_figures(tmp_path: Path) -> None:
    content = copy.deepcopy(CONTENT)
    for image in content["images"]:
        image.update(
            coco_url=f"http://images.cocodataset.org/images/{image['file_name']}",
            neg_category_ids=[each["id"] for each in content["categories"]],
            not_exhaustive_category_ids=[],
        )
    for category in content["categories"]:
        category["frequency"] = "c"
    file = tmp_path / "lvis.json"
    file.write_text(json.dumps(content))
    model = identity(CONTENT["categories"])
    folder = write_evaluation(tmp_path / "lvis", IMAGES.parent, file, demo_results("C4"), model)

    page = page_of(read_evaluation(folder), tmp_path)

    assert first_line(page).startswith("Box AP 80.3 and mask AP 72.2 on 64 pictures: ")
    assert "<th>APr</th><th>APc</th><th>APf</th>" in page
    assert "as faster-coco-eval, by LVIS's rules, computes it" in page
    assert page.count('href="data:image/jpeg;base64,') == 48


def test_pictures_without_a_result_and_without_a_file_are_told(tmp_path: Path) -> None:
    folder = write_evaluation(
        tmp_path / "moved",
        tmp_path / "away",
        ANNOTATIONS,
        demo_results("C4"),
        identity(CONTENT["categories"]),
        without=[1, 2],
    )

    page = page_of(read_evaluation(folder), tmp_path)

    assert "2 pictures without a result count as if nothing had been found there." in page
    assert "The picture cannot be shown: cannot read it: No such file or directory" in page
    assert "data:image/" not in page


def test_where_nothing_was_found_or_is_to_be_found_there_is_a_page(tmp_path: Path) -> None:
    content = {**CONTENT, "annotations": []}
    file = tmp_path / "nothing.json"
    file.write_text(json.dumps(content))
    for number, (truth, results) in enumerate(
        [(ANNOTATIONS, []), (file, demo_results("C4")), (file, [])]
    ):
        folder = write_evaluation(
            tmp_path / str(number), IMAGES, truth, results, identity(CONTENT["categories"])
        )
        assert "Setting" in sections(page_of(read_evaluation(folder), tmp_path))


def test_what_others_wrote_stays_text(tmp_path: Path) -> None:
    hostile = "<script>alert('&\")</script>\ud800"
    content = copy.deepcopy(CONTENT)
    for category in content["categories"]:
        category["name"] = hostile[:-1]
    file = tmp_path / "hostile.json"
    file.write_text(json.dumps(content))
    model = identity(content["categories"], name=hostile, parameters={hostile: hostile})
    folder = write_evaluation(tmp_path / "<b>", IMAGES, file, demo_results("C4"), model)
    (folder / "summary.json").write_text(
        json.dumps(
            {"annotation_file": str(file), "image_folder": str(IMAGES), "finished_at": hostile,
             "protocol": [hostile], "versions": {hostile: {"a": hostile}}, "retries": None}
        )
    )  # fmt: skip

    evaluation = read_evaluation(folder)
    page = page_of(
        evaluation, tmp_path, read_compared(folder, evaluation.dataset, evaluation.images)
    )

    assert "<script" not in page
    assert "<b>/" not in page
    assert html.escape(hostile[:-1]) in page


def noise(folder: Path, count: int) -> dict[str, Any]:
    """A data set of pictures that compress badly, as links to a few files, with many objects."""
    random = np.random.default_rng(0)
    folder.mkdir()
    for number in range(4):
        pixels = random.integers(0, 256, (480, 640, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"noise{number}.jpg", quality=95)
    categories = [each["id"] for each in CONTENT["categories"]]
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number in range(1, count + 1):
        name = f"{number:012}.jpg"
        (folder / name).symlink_to(folder / f"noise{number % 4}.jpg")
        images.append({"id": number, "file_name": name, "height": 480, "width": 640})
        for x, y, size in random.integers(1, 80, (7, 3)).tolist():
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": categories[x % 8],
                    "bbox": [5 * x, 4 * y, 2 * size, 2 * size],
                    "area": 4 * size**2,
                    "iscrowd": 0,
                }
            )
    return {"images": images, "categories": CONTENT["categories"], "annotations": annotations}


def test_thousands_of_pictures_stay_a_few_megabytes(c4: Path, tmp_path: Path) -> None:
    content = noise(tmp_path / "images", 2000)
    file = tmp_path / "instances.json"
    file.write_text(json.dumps(content))
    dataset = load_annotations(file, tmp_path / "images")
    random = np.random.default_rng(1)
    results = [
        {
            "image_id": each["image_id"],
            "category_id": each["category_id"],
            "score": random.random(),
            "bbox": [value + random.normal(0, 8) for value in each["bbox"]],
        }
        for each in [*content["annotations"], *content["annotations"]]
    ]
    # pycocotools' figures, which take long, are another's.
    small = read_evaluation(c4)
    evaluation = dataclasses.replace(
        small,
        dataset=dataset,
        images=dataset.images,
        results=results,
        metrics={"bbox": small.metrics["bbox"]},
    )
    compared = dataclasses.replace(evaluation, results=results[: len(results) // 2])

    page = page_of(evaluation, tmp_path, compared)

    assert page.count('href="data:image/jpeg;base64,') == 2 * 36
    assert len(page) < 5_000_000
