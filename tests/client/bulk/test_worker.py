"""What an actor makes of its pictures, without Ray around it."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from client.connection.settings import Connection
from client.detector import Detector
from client.errors import ClientError
from client.evaluate import FAILURES_IN_A_ROW
from server.launch import TritonServer
from tests.client.conftest import Demo, connection_to

pa = pytest.importorskip("pyarrow", reason="`make test` installs it into .venv/ray")
picture_list = pytest.importorskip("client.bulk.picture_list")
result_rows = pytest.importorskip("client.bulk.result_rows")
worker = pytest.importorskip("client.bulk.worker")


class Method:
    """In place of an actor's."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def remote(self, *arguments: Any) -> None:
        self.told.append(arguments)


class Progress:
    """In place of the actor."""

    def __init__(self) -> None:
        self.add, self.give_up = Method(), Method()


@pytest.fixture(autouse=True)
def no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `Method.remote` returns is no future."""
    monkeypatch.setattr(worker.ray, "get", lambda value: value)


WorkerFor = Callable[..., tuple[Any, Progress]]


@pytest.fixture
def worker_for() -> Iterator[WorkerFor]:
    """Makes a worker for a connection, and what it tells of."""
    made = []

    def make(connection: Connection, **different: Any) -> tuple[Any, Progress]:
        with Detector(**vars(connection)) as detector:
            model = dataclasses.replace(detector.model, **different)
        progress = Progress()
        work = worker.Work(connection, model, None, None, "run")
        made.append(worker.Worker(work, progress))
        return made[-1], progress

    yield make
    for each in made:
        if each._detector is not None:
            each._detector.close()


def table(*paths: str | Path) -> Any:
    rows = [{"image_id": number, "path": str(path)} for number, path in enumerate(paths, start=1)]
    return pa.Table.from_pylist(rows, schema=picture_list.SCHEMA)


def test_rows_hold_what_the_detector_finds(
    worker_for: WorkerFor, recorded_server: TritonServer, demo: Demo
) -> None:
    asked, _ = worker_for(connection_to(recorded_server, concurrency=4))
    paths = sorted(demo.images.glob("*.jpg"))[:6]

    rows = asked(table(*paths)).to_pylist()

    with Detector(recorded_server.grpc_url) as detector:
        for number, (path, row) in enumerate(zip(paths, rows, strict=True), start=1):
            found = detector(path)
            assert row["image_id"] == number
            assert row["path"] == str(path)
            assert (row["width"], row["height"]) == (found.width, found.height)
            assert row["boxes"] == found.boxes.tolist()
            assert row["scores"] == found.scores.tolist()
            assert row["class_ids"] == found.class_ids.tolist()
            assert row["masks"] == list(found.rle or ())
            assert row["keypoints"] is row["error"] is None
            assert row["request_id"] == f"run-{number}"
            assert result_rows.coco_results_of(row) == found.to_coco(number)


def test_boxes_alone_have_no_masks(
    worker_for: WorkerFor, boxes_only_server: TritonServer, demo: Demo
) -> None:
    asked, _ = worker_for(connection_to(boxes_only_server))

    [row] = asked(table(demo.images / "000005.jpg")).to_pylist()

    assert row["boxes"]
    assert row["masks"] is None
    assert "segmentation" not in result_rows.coco_results_of(row)[0]


def test_a_picture_that_fails_has_a_row_with_its_error(
    worker_for: WorkerFor, recorded_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    asked, progress = worker_for(connection_to(recorded_server))
    good = demo.images / "000005.jpg"
    broken, refused = tmp_path / "broken.jpg", tmp_path / "refused.jpg"
    broken.write_bytes(b"no picture")
    refused.write_bytes(good.read_bytes() + b"unknown to the stand-in")

    rows = asked(table(tmp_path / "missing.jpg", broken, good, refused)).to_pylist()

    missing, unreadable, whole, unknown = rows
    assert missing["error"] == "cannot read it: No such file or directory"
    assert unreadable["error"].startswith("not a picture in BMP")
    assert "(request run-4)" in unknown["error"]
    assert whole["error"] is None
    assert whole["boxes"]
    for failed in (missing, unreadable, unknown):
        assert failed["boxes"] is failed["scores"] is failed["width"] is None
    assert progress.add.told == [(4, 3)]


def test_pictures_that_the_server_alone_refuses_do_not_end_the_run(
    worker_for: WorkerFor, demo_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    asked, _ = worker_for(connection_to(demo_server))
    cut = tmp_path / "cut.jpg"
    cut.write_bytes((demo.images / "000005.jpg").read_bytes()[:1000])

    rows = asked(table(*[cut] * (2 * FAILURES_IN_A_ROW + 1))).to_pylist()

    assert all("cut" in row["error"] or "truncated" in row["error"] for row in rows)


def test_a_server_that_fails_with_any_picture_does(
    worker_for: WorkerFor, recorded_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    # The stand-in knows no picture but the demo's, not the plain one either.
    asked, progress = worker_for(connection_to(recorded_server))
    unknown = tmp_path / "unknown.jpg"
    unknown.write_bytes((demo.images / "000005.jpg").read_bytes() + b"unknown")

    with pytest.raises(ClientError, match=f"{FAILURES_IN_A_ROW} pictures in a row failed"):
        asked(table(*[unknown] * FAILURES_IN_A_ROW))
    [(reason,)] = progress.give_up.told
    assert str(unknown) in reason


def test_storage_that_fails_with_any_picture_does(
    worker_for: WorkerFor, recorded_server: TritonServer, tmp_path: Path
) -> None:
    asked, _ = worker_for(connection_to(recorded_server))
    with socket.socket() as unserved:
        unserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unserved.getsockname()[1]}/a.jpg"

        with pytest.raises(ClientError, match=r"in a row failed, the last was http.*cannot read"):
            asked(table(*[url] * FAILURES_IN_A_ROW))


def test_many_unreadable_pictures_do_not(
    worker_for: WorkerFor, recorded_server: TritonServer, tmp_path: Path
) -> None:
    asked, _ = worker_for(connection_to(recorded_server))

    rows = asked(table(*[tmp_path / "missing.jpg"] * (FAILURES_IN_A_ROW + 1))).to_pylist()

    assert len(rows) == FAILURES_IN_A_ROW + 1


def test_another_model_than_the_runs_ends_it(
    worker_for: WorkerFor, recorded_server: TritonServer, demo: Demo
) -> None:
    asked, _ = worker_for(connection_to(recorded_server), identity={"mask_rcnn": {"other": 1}})

    with pytest.raises(ClientError, match="another model than at the start of the run: "):
        asked(table(demo.images / "000005.jpg"))
