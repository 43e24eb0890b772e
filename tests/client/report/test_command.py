"""`client report`, and the page that `client evaluate` and `merge` write."""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from client.__main__ import main
from client.coco.shard import Shard
from client.merge import merge
from client.result_files import REPORT, RESULTS, SUMMARY
from server.launch import TritonServer
from tests.client.conftest import Demo, connection_to, evaluate_demo
from tests.client.report.conftest import ANNOTATIONS, CONTENT, IMAGES, demo_results
from tests.finished_evaluation import identity, write_evaluation


@pytest.fixture
def copy(c4: Path, tmp_path: Path) -> Path:
    """To damage."""
    return Path(shutil.copytree(c4, tmp_path / "copy"))


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["report", *arguments]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    return said


def without_what_is_of_a_run(page: str) -> str:
    """The page but for times and folders."""
    page = page.partition("<h2>Latency and throughput</h2>")[0]
    return re.sub(r'<p class="kicker">.*?</p>|[\d.,]+ pictures per second', "", page)


def test_evaluate_writes_the_page_that_report_writes_anew(
    recorded_server: TritonServer, demo: Demo, c4: Path, tmp_path: Path
) -> None:
    output = tmp_path / "evaluation"
    code = main(
        ["evaluate", "--images", str(demo.images), "--annotations", str(demo.annotations), "--url",
         recorded_server.grpc_url, "--output", str(output), "--compare", str(c4)]
    )  # fmt: skip
    written = (output / REPORT).read_text()
    again = tmp_path / "pages" / "again.html"

    assert code == 0
    assert "Box AP 0.00 and mask AP 0.00 against c4: none of 281 detections changed." in written
    assert main(["report", str(output), "--compare", str(c4), "--output", str(again)]) == 0
    assert again.read_text() == written
    assert main(["report", str(output)]) == 0
    assert "Box AP 80.3 and mask AP 72.2 on 64 pictures" in (output / REPORT).read_text()


def test_another_evaluation_that_cannot_be_compared_is_told_before_anything_is_sent(
    recorded_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    output = tmp_path / "evaluation"
    code = main(
        ["evaluate", "--images", str(demo.images), "--annotations", str(demo.annotations), "--url",
         recorded_server.grpc_url, "--output", str(output), "--compare", str(tmp_path / "nowhere")]
    )  # fmt: skip

    assert code == 1
    assert not output.exists()


def test_merge_writes_the_page_of_the_whole_data_set(
    recorded_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    folders = [tmp_path / str(number) for number in (1, 2)]
    for number, folder in enumerate(folders, 1):
        connection = connection_to(recorded_server, concurrency=4)
        evaluate_demo(demo, connection, folder, shard=Shard(number, 2))
    evaluate_demo(demo, connection_to(recorded_server), tmp_path / "whole")

    merge(folders, output=tmp_path / "merged")

    shard = html.unescape((folders[0] / REPORT).read_text())
    assert "This is a shard: 32 of the data set's 64 pictures." in shard
    merged, whole = ((tmp_path / name / REPORT).read_text() for name in ("merged", "whole"))
    assert without_what_is_of_a_run(merged) == without_what_is_of_a_run(whole)


def test_pictures_and_annotations_may_lie_elsewhere(copy: Path, tmp_path: Path) -> None:
    (copy / SUMMARY).unlink()
    moved = tmp_path / "moved.json"
    shutil.copy(ANNOTATIONS, moved)

    assert main(["report", str(copy), "--annotations", str(moved), "--images", str(IMAGES)]) == 0

    assert "data:image/jpeg" in (copy / REPORT).read_text()


def test_results_of_earlier_versions_have_no_times(copy: Path) -> None:
    file = copy / RESULTS
    file.write_text(re.sub(r',"timing":\{[^}]*\}', "", file.read_text()))

    assert main(["report", str(copy)]) == 0

    page = (copy / REPORT).read_text()
    assert "The results do not say when the answers came." in page
    assert "pictures per second were answered" not in page


def delete_summary(folder: Path) -> None:
    (folder / SUMMARY).unlink()


def rewrite(pattern: str, replacement: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        file = folder / RESULTS
        text, count = re.subn(pattern, replacement, file.read_text(), count=1)
        assert count == 1
        file.write_text(text)

    return damage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (shutil.rmtree, r"cannot read .*results\.jsonl: No such file"),
        (delete_summary, r"has no summary\.json that names the annotation file: give it with"),
        (lambda folder: (folder / SUMMARY).write_text("[" * 200_000), "give it with --annotations"),
        (lambda folder: (folder / SUMMARY).write_text('{"annotation_file": 7}'), "--annotations"),
        (lambda folder: (folder / SUMMARY).write_text('{"annotation_file": "no"}'), "cannot read"),
        (lambda folder: (folder / RESULTS).write_text(""), "is not the results of an evaluation"),
        (rewrite(r'"model":\{"c4"', '"model":{"c4":7,"c5"'), r"line 1 of .* is damaged"),
        (rewrite(r'"score":[0-9.]+', '"score":NaN'), r"is damaged: detection 1: its box or its"),
        (rewrite(r'"counts":"[^"]+"', '"counts":"?"'), r"is damaged: detection 1: the RLE"),
        (rewrite(r'"count":64', '"count":65'), r"instances\.json is of other pictures than"),
    ],
)  # fmt: skip
def test_a_damaged_evaluation_is_told_in_a_sentence(
    copy: Path,
    damage: Callable[[Path], Any],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    damage(copy)

    assert re.search(message, refusal([str(copy)], capsys))
    assert not (copy / REPORT).exists()


def test_one_of_other_pictures_is_not_compared(
    c4: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "fewer.json"
    fewer = {**CONTENT, "images": CONTENT["images"][:60]}
    ids = {image["id"] for image in fewer["images"]}
    fewer["annotations"] = [each for each in CONTENT["annotations"] if each["image_id"] in ids]
    file.write_text(json.dumps(fewer))
    results = [each for each in demo_results("C4") if each["image_id"] in ids]
    other = write_evaluation(
        tmp_path / "other", IMAGES, file, results, identity(CONTENT["categories"])
    )

    said = refusal([str(c4), "--compare", str(other)], capsys)

    assert f"--compare: {other} is an evaluation of other pictures" in said


def test_a_page_that_cannot_be_written_is_told(
    copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")

    said = refusal([str(copy), "--output", str(tmp_path / "file" / "report.html")], capsys)

    assert f"cannot write {tmp_path / 'file' / 'report.html'}: " in said
