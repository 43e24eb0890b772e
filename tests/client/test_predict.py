"""`client predict` against a real server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as rle

from artifact.picture_formats import FORMATS
from client.__main__ import main
from client.connection.settings import Connection
from client.errors import ClientError
from client.predict import DETECTIONS, predict
from server.launch import TritonServer
from tests.client.conftest import Demo, connection_to

ROOT = Path(__file__).parents[2]


def test_files_and_folders_become_drawn_pictures_and_detections(
    recorded_options: list[str], demo: Demo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, output = tmp_path / "folder", tmp_path / "out"
    folder.mkdir()
    for name in ("000004.jpg", "000005.jpg"):
        shutil.copy(demo.images / name, folder)

    code = main(
        ["predict", str(demo.images / "000000.jpg"), str(folder),
         *recorded_options, "--output", str(output), "--score-threshold", "0.9"]
    )  # fmt: skip

    assert code == 0
    entries = json.loads((output / DETECTIONS).read_text())
    assert [entry["drawn"] for entry in entries] == ["000000.png", "000004.png", "000005.png"]
    count = 0
    for entry, image_id in zip(entries, (1, 5, 6), strict=True):
        expected = [r for r in demo.results if r["image_id"] == image_id and r["score"] >= 0.9]
        assert [d["score"] for d in entry["detections"]] == [r["score"] for r in expected]
        assert [d["mask"] for d in entry["detections"]] == [r["segmentation"] for r in expected]
        assert {d["category"] for d in entry["detections"]} <= {
            category["name"] for category in demo.content["categories"]
        }
        with Image.open(entry["file"]) as before, Image.open(output / entry["drawn"]) as after:
            assert after.size == before.size == (entry["width"], entry["height"])
            changed = np.any(np.asarray(before.convert("RGB")) != np.asarray(after), axis=-1)
        for detection in entry["detections"]:
            mask = rle.decode(detection["mask"]).astype(bool)
            assert changed[mask].mean() > 0.95
        assert changed.mean() < 0.9
        count += len(expected)
    printed = capsys.readouterr().out
    assert f"{count} detections in 3 pictures: drawn in {output}" in printed


def test_a_model_without_masks_gives_boxes(
    boxes_only_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    predictions = predict(
        [demo.images / "000005.jpg"], connection_to(boxes_only_server), output=tmp_path
    )

    [entry] = predictions.entries
    assert entry["detections"]
    assert all("mask" not in detection for detection in entry["detections"])
    assert (tmp_path / "000005.png").is_file()


def test_what_cannot_be_read_or_is_refused_is_told_and_the_rest_is_drawn(
    recorded_server: TritonServer, demo: Demo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, text, unknown = (tmp_path / name for name in ("a.jpg", "b.jpg", "c.png"))
    empty.write_bytes(b"")
    text.write_text("not a picture")
    Image.new("RGB", (40, 30)).save(unknown)
    output = tmp_path / "out"

    code = main(
        ["predict", str(empty), str(text), str(unknown), str(demo.images / "000000.jpg"),
         "--url", recorded_server.grpc_url, "--output", str(output)]
    )  # fmt: skip

    printed = capsys.readouterr()
    assert code == 1
    *unreadable, refused = printed.err.splitlines()
    assert unreadable == [
        f"error: {empty}: the file is empty",
        f"error: {text}: not a picture in {', '.join(FORMATS)}, or damaged near its start",
    ]
    assert re.fullmatch(
        f"error: {unknown}: image: {unknown.stat().st_size} bytes that are not a picture "
        r"\(request [0-9a-f]{8}-c\.png\)",
        refused,
    )
    assert "in 1 picture: drawn in" in printed.out
    assert sorted(path.name for path in output.iterdir()) == ["000000.png", DETECTIONS]


def test_a_refused_picture_is_found_in_the_servers_log_by_the_id_that_the_client_tells(
    recorded_server: TritonServer, tmp_path: Path, protocol: str
) -> None:
    # A file name may be any bytes; what travels is UTF-8.
    picture = tmp_path / os.fsdecode(b"caf\xe9 \xc3\xa9.png")
    Image.new("RGB", (40, 30)).save(picture)

    predictions = predict(
        [picture], connection_to(recorded_server, protocol), output=tmp_path / "out"
    )

    [reason] = predictions.failures.values()
    [request_id] = re.findall(r"\(request ([0-9a-f]{8}-caf\? é\.png)\)", reason)
    deadline = time.monotonic() + 10  # the answer may come before the line
    while f"refused request {request_id}" not in recorded_server.log_path.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_pictures_of_one_name_are_drawn_into_files_of_their_own(
    recorded_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    paths = []
    for name in ("a/x.jpg", "b/x.jpg", "c/x-2.jpg"):
        path = tmp_path / name
        path.parent.mkdir()
        shutil.copy(demo.images / "000000.jpg", path)
        paths.append(path)

    predictions = predict(paths, connection_to(recorded_server), output=tmp_path / "out")

    drawn = [entry["drawn"] for entry in predictions.entries]
    assert drawn == ["x.png", "x-2.png", "x-2-2.png"]
    assert all((tmp_path / "out" / name).is_file() for name in drawn)


def test_folders_are_gone_into_where_said_and_not_into_the_output(
    recorded_options: list[str], demo: Demo, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("x.jpg", "monday/x.jpg", "tuesday/x.jpg", "monday/._x.jpg", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(demo.images / "000000.jpg", tmp_path / name)
    output = tmp_path / "predictions"
    command = ["predict", str(tmp_path), *recorded_options, "--output", str(output)]

    assert main(command) == 0
    flat = json.loads((output / DETECTIONS).read_text())
    assert [entry["drawn"] for entry in flat] == ["x.png"]
    assert caplog.messages == [
        f"passed over in {tmp_path}: 1 file (1 .txt) and 2 folders (--recursive goes into them)"
    ]
    for _ in range(2):
        assert main([*command, "--recursive"]) == 0
        deep = json.loads((output / DETECTIONS).read_text())
        assert [entry["drawn"] for entry in deep] == ["monday/x.png", "tuesday/x.png", "x.png"]
        assert all((output / entry["drawn"]).is_file() for entry in deep)
        assert caplog.messages[-1] == f"passed over in {tmp_path}: 2 files (1 .txt, 1 hidden)"


def test_files_of_any_name_are_drawn_into_files_of_their_own(
    recorded_server: TritonServer, demo: Demo, tmp_path: Path, protocol: str
) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    names = ["x" * 251 + ".jpg", "x" * 251 + ".gif", "猫" * 85, "caf\u00e9.jpg", "cafe\u0301.jpg",
             os.fsdecode(b"caf\xe9.jpg"), "two\nlines.jpg", "-o.jpg", "a b.jpg", ".hidden.jpg",
             "\u202egpj.jpg", "x", "X.jpg"]  # fmt: skip
    for name in names:
        shutil.copy(demo.images / "000000.jpg", folder / name)

    predictions = predict(
        [folder, folder / ".hidden.jpg"],
        connection_to(recorded_server, protocol),
        output=output,
    )

    assert not predictions.failures
    entries = json.loads((output / DETECTIONS).read_text())
    assert {entry["file"] for entry in entries} == {str(folder / name) for name in names}
    drawn = {path.name for path in output.iterdir()} - {DETECTIONS}
    assert {entry["drawn"] for entry in entries} == drawn
    assert len(drawn) == len(names)


def test_a_name_that_is_not_utf_8_can_be_printed(
    recorded_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    output = os.fsencode(tmp_path) + b"/caf\xe9"
    command = [sys.executable, "-m", "client", "predict", str(demo.images / "000000.jpg")]
    command += ["--url", recorded_server.grpc_url, "--output", os.fsdecode(output)]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)

    assert (done.returncode, done.stderr) == (0, b"")
    assert b"drawn in " + output in done.stdout


def test_a_picture_is_never_overwritten_by_its_drawing(demo: Demo, tmp_path: Path) -> None:
    picture = tmp_path / "x.png"
    Image.new("RGB", (40, 30)).save(picture)
    before = picture.read_bytes()

    with pytest.raises(ClientError, match=r"would overwrite .*x\.png"):
        predict([picture], Connection(), output=tmp_path)

    assert picture.read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["predict"],
        ["predict", "x.jpg", "--score-threshold", "1.5"],
        ["predict", "x.jpg", "--score-threshold", "nan"],
        ["predict", "x.jpg", "--concurrency", "0"],
        ["predict", "x.jpg", "--timeout", "0"],
        ["predict", "x.mp4", "--every", "0"],
        ["evaluate", "--images", "x"],
        ["evaluate", "--images", "x", "--annotations", "y", "--protocol", "carrier-pigeon"],
        ["evaluate", "--images", "x", "--annotations", "y", "--concurrency", "many"],
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)

    assert exit_.value.code == 2
