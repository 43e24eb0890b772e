"""A run of `client bulk` with Ray on two workers, and what is refused before Ray is started."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from client.__main__ import main
from client.detector import Detector
from server.launch import TritonServer
from tests.client.bulk.ray_run import ROOT, ray_runs
from tests.client.conftest import Demo

pq = pytest.importorskip("pyarrow.parquet", reason="`make test` installs it into .venv/ray")

NAMES = ("000000.jpg", "000003.jpg", "000004.jpg", "000005.jpg", "000008.jpg")


@dataclass(frozen=True)
class Finished:
    """A finished run."""

    pictures: Path
    output: Path
    options: list[str]
    printed: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        return rows_in(self.output)


def rows_in(output: Path) -> list[dict[str, Any]]:
    files = (output / "detections").glob("*.parquet")
    rows = [row for file in files for row in pq.read_table(file).to_pylist()]
    return sorted(rows, key=lambda row: int(row["image_id"]))


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, recorded_server: TritonServer, demo: Demo
) -> Finished:
    folder = tmp_path_factory.mktemp("bulk")
    pictures = folder / "pictures"
    (pictures / "more").mkdir(parents=True)
    for name in NAMES:
        shutil.copy(demo.images / name, pictures)
    (pictures / "more" / "broken.jpg").write_bytes(b"no picture")
    content = {**demo.content, "annotations": []}
    content["images"] = [
        *(image for image in content["images"] if image["file_name"] in NAMES),
        {"id": 999, "file_name": "more/broken.jpg", "width": 1, "height": 1},
    ]
    annotations = folder / "instances.json"
    annotations.write_text(json.dumps(content))
    options = [
        *("--input", str(pictures), "--output", str(folder / "output")),
        *("--annotations", str(annotations), "--url", recorded_server.grpc_url),
        *("--concurrency", "2", "--pictures-per-file", "3"),
    ]
    with ray_runs() as runs:
        printed = runs.finish(*options, "--coco")
    return Finished(pictures, folder / "output", options, printed)


def expected_ids(demo: Demo) -> dict[str, int]:
    ids = {image["file_name"]: image["id"] for image in demo.content["images"]}
    return {name: ids[name] for name in NAMES}


def test_each_picture_has_a_row_the_broken_one_with_its_error(
    finished: Finished, demo: Demo
) -> None:
    rows = {row["path"]: row for row in finished.rows}

    broken = rows.pop(str(finished.pictures / "more" / "broken.jpg"))
    assert broken["image_id"] == 999
    assert broken["error"].startswith("not a picture")
    assert broken["error"] in finished.printed
    assert "6 pictures, 1 of them with an error, in " in finished.printed
    ids = expected_ids(demo)
    assert {path: row["image_id"] for path, row in rows.items()} == {
        str(finished.pictures / name): image_id for name, image_id in ids.items()
    }
    for row in rows.values():
        expected = [r for r in demo.results if r["image_id"] == row["image_id"]]
        assert row["error"] is None
        assert row["masks"] == [r["segmentation"]["counts"] for r in expected]
        assert re.fullmatch(rf"[0-9a-f]{{8}}-{row['image_id']}", row["request_id"])


def test_the_coco_files_are_together_one_of_results(
    finished: Finished, recorded_server: TritonServer, demo: Demo
) -> None:
    def together(kind: str) -> list[dict[str, Any]]:
        files = [*(finished.output / "coco" / kind).glob("*.json")]
        # Ray decides how many, by how fast its workers are.
        assert len(files) == len([*(finished.output / "detections").iterdir()]) > 0
        return [entry for file in files for entry in json.loads(file.read_text())]

    ids = expected_ids(demo)
    with Detector(recorded_server.grpc_url) as detector:
        expected = [
            result
            for name, image_id in ids.items()
            for result in detector(demo.images / name).to_coco(image_id)
        ]
    results = sorted(together("results"), key=lambda result: int(result["image_id"]))
    assert results == sorted(expected, key=lambda result: int(result["image_id"]))
    images = {image["file_name"]: image for image in together("images")}
    assert {name: image["id"] for name, image in images.items()} == {
        **ids,
        "more/broken.jpg": 999,
    }
    for image in demo.content["images"]:
        if image["file_name"] in NAMES:
            written = images[image["file_name"]]
            assert (written["width"], written["height"]) == (image["width"], image["height"])


def test_a_folder_with_a_run_is_left_to_that_run(
    finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*arguments: str) -> str:
        assert main(["bulk", *finished.options, *arguments]) == 1
        return capsys.readouterr().err

    assert "holds a run already: continue it with --resume" in refused()
    different = refused("--resume", "--score-threshold", "0.5")
    assert "it is another run: score_threshold was None, now 0.5" in different
    foreign = tmp_path / "output"
    (foreign / "detections").mkdir(parents=True)
    (foreign / "detections" / "a.parquet").touch()
    assert "has files of no run" in refused("--output", str(foreign))
    (foreign / "run.json").write_text("{")
    assert "run.json is damaged" in refused("--output", str(foreign), "--resume")


def test_what_cannot_be_run_is_said_before_anything_is_written(
    recorded_server: TritonServer,
    demo: Demo,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "output"

    def refused(*arguments: str) -> str:
        options = ["--output", str(output), "--url", recorded_server.grpc_url, *arguments]
        assert main(["bulk", *options]) == 1
        assert not output.exists()
        return capsys.readouterr().err

    assert "--workers 3 need a --concurrency" in refused(
        "--input", str(tmp_path), "--workers", "3", "--concurrency", "2"
    )
    assert "no pictures in" in refused("--input", str(tmp_path))
    http = refused("--input", str(demo.images), "--output", "http://127.0.0.1:9/found")
    assert "--output: cannot " in http
    unserved = refused("--input", str(tmp_path), "--url", "127.0.0.1:9")
    assert "no Triton server answers at 127.0.0.1:9" in unserved


def test_without_ray_the_pip_command_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "client", "bulk", "--input", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("error: `bulk` needs Ray Data: python -m pip install 'ray[data]")
