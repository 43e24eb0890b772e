"""The results file: what survives a broken run, and what may not be mixed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from client.coco.dataset import CocoImage
from client.coco.result_format import CocoResult
from client.coco.results import ResultsFile, read_results
from client.errors import ClientError

RUN = {"pictures": {"count": 3}, "model": {"mask_rcnn": {"parameters": {"resize": "pillow"}}}}


def result(image_id: int) -> CocoResult:
    return {"image_id": image_id, "category_id": 1, "bbox": [1.0, 2.0, 3.0, 4.0], "score": 0.5}


@pytest.fixture
def images(tmp_path: Path) -> list[CocoImage]:
    found = []
    for number in range(3):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(b"x" * 10)
        found.append(CocoImage(100 + number, path.name, path, 30, 40))
    return found


@pytest.fixture
def file(tmp_path: Path, images: list[CocoImage]) -> Path:
    """The results of images 0 and 1; the second found nothing."""
    path = tmp_path / "out" / "results.jsonl"
    with ResultsFile(path, RUN, resume=False) as results:
        results.append(images[0], 10, [result(100)])
        results.append(images[1], 10, [])
    return path


def resume(file: Path, run: dict[str, Any] = RUN) -> ResultsFile:
    return ResultsFile(file, run, resume=True)


def test_finished_pictures_are_there_when_resumed(file: Path, images: list[CocoImage]) -> None:
    with resume(file) as results:
        assert [image in results for image in images] == [True, True, False]
        assert results.of(images) == [result(100)]
        results.append(images[2], 10, [result(102)])

    with resume(file) as results:
        assert len(results) == 3
        assert [result["image_id"] for result in results.of(images)] == [100, 102]


def test_each_picture_is_in_the_file_as_soon_as_it_is_appended(
    file: Path, images: list[CocoImage]
) -> None:
    with resume(file) as results:
        results.append(images[2], 10, [])

        assert json.loads(file.read_bytes().splitlines()[-1])["image_id"] == 102


def test_resuming_nothing_is_a_new_run(tmp_path: Path, images: list[CocoImage]) -> None:
    with resume(tmp_path / "new" / "results.jsonl") as results:
        assert len(results) == 0


@pytest.mark.parametrize("kept", range(1, 40, 3))
def test_a_torn_last_line_is_dropped_and_the_next_one_is_whole(
    file: Path, images: list[CocoImage], kept: int
) -> None:
    whole = file.read_bytes()
    torn = whole[: whole.rstrip(b"\n").rindex(b"\n") + kept]
    file.write_bytes(torn)

    with resume(file) as results:
        assert [image in results for image in images] == [True, False, False]
        results.append(images[1], 10, [])

    assert file.read_bytes() == whole


def test_a_torn_header_is_a_run_that_never_began(file: Path, images: list[CocoImage]) -> None:
    file.write_bytes(file.read_bytes()[:20])

    with ResultsFile(file, RUN, resume=False) as results:
        assert len(results) == 0
    assert json.loads(file.read_bytes())["run"] == RUN


def test_a_run_with_results_is_not_overwritten_without_being_asked(file: Path) -> None:
    before = file.read_bytes()

    with pytest.raises(ClientError, match="with 2 finished pictures: continue it with --resume"):
        ResultsFile(file, RUN, resume=False)

    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ({**RUN, "pictures": {"count": 4}}, r"run: pictures\.count was 3, now 4\."),
        (
            {**RUN, "model": {"mask_rcnn": {"parameters": {"resize": "opencv"}}}},
            r"model\.mask_rcnn\.parameters\.resize was pillow, now opencv",
        ),
        (
            {**RUN, "model": {"mask_rcnn": {"parameters": {}}}},
            r"model\.mask_rcnn\.parameters\.resize was pillow, now None",
        ),
    ],
)
def test_another_run_is_not_continued_and_the_difference_is_named(
    file: Path, run: dict[str, Any], message: str
) -> None:
    before = file.read_bytes()

    with pytest.raises(ClientError, match=message):
        resume(file, run)

    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "damage",
    [
        lambda lines: [lines[0], b"{]", lines[2]],
        lambda lines: [lines[0], b"", lines[2]],
        lambda lines: [lines[0], b"\0\0\0", lines[2]],
        lambda lines: [lines[0], b'{"image_id":100}', lines[2]],
        lambda lines: [b"[", lines[1], lines[2]],
        lambda lines: [b"\xff\xfe", lines[1], lines[2]],
        lambda lines: [b'{"format":2,"run":[]}', lines[1], lines[2]],
        lambda lines: [lines[0], b"[" * 200_000, lines[2]],
        lambda lines: [lines[0], b'{"image_id":[],"file_size":10,"results":[]}', lines[2]],
        lambda lines: [lines[0], b'{"image_id":true,"file_size":10,"results":[]}', lines[2]],
        lambda lines: [lines[0], b'{"image_id":100,"file_size":10,"results":7}', lines[2]],
    ],
)
def test_a_damaged_line_is_named_and_nothing_is_lost(
    file: Path, damage: Callable[[list[bytes]], list[bytes]]
) -> None:
    lines = file.read_bytes().splitlines()
    damaged = b"\n".join(damage(lines)) + b"\n"
    file.write_bytes(damaged)

    with pytest.raises(ClientError, match=r"line [12] of .*results.jsonl is damaged"):
        resume(file)

    assert file.read_bytes() == damaged


def test_two_evaluations_cannot_write_the_same_file(file: Path) -> None:
    with resume(file), pytest.raises(ClientError, match="being written by another evaluation"):
        resume(file)
    resume(file).close()


def test_a_picture_that_changed_since_it_was_sent_stops_resuming(
    file: Path, images: list[CocoImage]
) -> None:
    images[2].path.write_bytes(b"not sent yet")
    with resume(file) as results:
        results.check(images)
        images[0].path.write_bytes(b"another picture")
        with pytest.raises(ClientError, match=r"0\.jpg has 15 bytes and had 10"):
            results.check(images)


def test_results_that_no_picture_can_have_stop_resuming(
    file: Path, images: list[CocoImage]
) -> None:
    file.write_bytes(file.read_bytes().replace(b"[1.0,2.0,3.0,4.0]", b"[1.0,2.0,3.0,NaN]"))

    with (
        resume(file) as results,
        pytest.raises(ClientError, match=r"line of image_id 100 in .*results\.jsonl is damaged: "),
    ):
        results.check(images)


@pytest.mark.parametrize("header", ['{"format": 1, "run": {"annotations": "d19c"}}', ""])
def test_results_of_another_format_are_refused_in_words(file: Path, header: str) -> None:
    _, *lines = file.read_text().splitlines()
    file.write_text("\n".join([header, *lines]) + "\n")

    with pytest.raises(ClientError, match=r"cannot resume: .* in format 2.* format (1|None)"):
        resume(file)
    with pytest.raises(ClientError, match=r"results\.jsonl is not the results .* in format 2"):
        read_results(file)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ClientError, match=r"cannot write .*file/results\.jsonl"):
        ResultsFile(tmp_path / "file" / "results.jsonl", RUN, resume=False)


WRITE_UNTIL_FULL = """
import resource, signal, sys
from pathlib import Path
from client.coco.dataset import CocoImage
from client.errors import ClientError
from client.coco.results import ResultsFile

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
with ResultsFile(Path(sys.argv[1]), {}, resume=True) as results:
    for number in range(100):
        try:
            results.append(CocoImage(number, "", Path(), 1, 1), 1, [{"score": 0.5}])
        except ClientError as error:
            print(number, error)
            break
"""


def test_what_was_written_before_the_disk_was_full_can_be_resumed(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", WRITE_UNTIL_FULL, str(file)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    number, message = done.stdout.split(" ", 1)

    assert "mend that, then continue with --resume" in message
    assert file.stat().st_size < 1000
    assert file.read_bytes().endswith(b"}\n"), "half a line was left"
    with ResultsFile(file, {}, resume=True) as results:
        assert len(results) == int(number) > 0
