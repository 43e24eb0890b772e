"""Runs that are killed in the middle and resumed have the rows of an unbroken one."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.launch import TritonServer
from tests.client.bulk.ray_run import LOOPBACK, RayRuns, ray_runs
from tests.client.conftest import Demo, served, wait_until, write_recorded_repository

pq = pytest.importorskip("pyarrow.parquet", reason="`make test` installs it into .venv/ray")
pytestmark = pytest.mark.long

SECONDS_A_PICTURE = 0.25
WORKER = "ray::MapWorker(MapBatches(Worker))"


@pytest.fixture(scope="module")
def slow_server(tmp_path_factory: pytest.TempPathFactory, demo: Demo) -> Iterator[TritonServer]:
    folder = tmp_path_factory.mktemp("slow")
    yield from served(write_recorded_repository(folder, demo, delay_s=SECONDS_A_PICTURE))


@pytest.fixture
def runs() -> Iterator[RayRuns]:
    with ray_runs() as runs:
        yield runs
        runs.wait_for_the_last()


@pytest.fixture
def pictures(demo: Demo, tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    shutil.copytree(demo.images, folder)
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


def options(pictures: Path, output: Path, server: TritonServer) -> list[object]:
    return [
        *("--input", pictures, "--output", output, "--url", server.grpc_url),
        *("--concurrency", 2, "--pictures-per-file", 4),
    ]


def rows_in(output: Path) -> dict[int, dict[str, Any]]:
    """By image id, of which each is there once."""
    files = (output / "detections").glob("*.parquet")
    rows = [row for file in files for row in pq.read_table(file).to_pylist()]
    by_id = {row["image_id"]: row for row in rows}
    assert len(by_id) == len(rows)
    return by_id


def without_request_ids(rows: dict[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    return {key: {**row, "request_id": None} for key, row in rows.items()}


def wait_for_files(output: Path, count: int) -> None:
    """So many more that are counted as finished."""
    folder = output / "checkpoint"
    committed = lambda: {f for f in folder.glob("*.parquet") if "pending" not in f.name}  # noqa: E731
    before = len(committed())
    give_up_at = time.monotonic() + 120
    while len(committed()) < before + count:
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def test_a_run_whose_worker_and_driver_are_killed_has_each_picture_once(
    runs: RayRuns, slow_server: TritonServer, pictures: Path, tmp_path: Path
) -> None:
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    runs.finish(*options(pictures, unbroken, slow_server))

    driver = runs.start(*options(pictures, broken, slow_server))
    wait_for_files(broken, 1)
    os.kill(runs.processes(WORKER)[0], signal.SIGKILL)
    wait_for_files(broken, 3)
    driver.kill()
    driver.communicate()
    wait_until(lambda: not runs.processes(WORKER))
    # A file that was written, of whose end nothing was noted any more.
    committed = sorted((broken / "checkpoint").glob("*_0?????.parquet"))[0]
    committed.rename(committed.with_name(f"{committed.stem}.pending.parquet"))
    uncommitted = broken / "detections" / f"{committed.stem}-0.parquet"
    assert uncommitted.exists()
    before = len(rows_in(broken)) - len(pq.read_table(uncommitted))
    assert 0 < before < len(rows_in(unbroken))
    shutil.rmtree(runs.temporary)  # Ray's, which a killed run cannot clear up
    runs.temporary.mkdir()
    runs.wait_for_the_last()

    printed = runs.finish(*options(pictures, broken, slow_server), "--resume")

    assert "65 pictures, 1 of them with an error, in " in printed
    assert not uncommitted.exists()
    resumed = rows_in(broken)
    assert without_request_ids(resumed) == without_request_ids(rows_in(unbroken))
    by_run: dict[str, int] = {}
    for row in resumed.values():
        run = row["request_id"].partition("-")[0]
        by_run[run] = by_run.get(run, 0) + 1
    assert sorted(by_run.values()) == sorted([before, len(resumed) - before])


def test_a_run_listens_here_alone_and_interrupted_says_how_to_go_on_and_leaves_nothing(
    runs: RayRuns, slow_server: TritonServer, pictures: Path, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    driver = runs.start(*options(pictures, output, slow_server))
    wait_for_files(output, 1)
    listening = runs.listening_addresses()
    assert listening
    assert listening <= LOOPBACK

    driver.send_signal(signal.SIGINT)
    _, errors = driver.communicate(timeout=60)

    assert driver.returncode == 130
    assert errors.rstrip().endswith("--pictures-per-file 4 --resume"), errors
    runs.wait_for_the_last()
    assert not [*runs.temporary.iterdir()]
    assert rows_in(output)


def test_a_server_that_goes_away_ends_the_run_with_the_reason(
    runs: RayRuns, pictures: Path, tmp_path: Path, demo: Demo
) -> None:
    repository = write_recorded_repository(tmp_path / "models", demo, delay_s=SECONDS_A_PICTURE)
    output = tmp_path / "output"
    with TritonServer(repository, exit_timeout_secs=0) as server:
        driver = runs.start(*options(pictures, output, server), "--retry-for", 1)
        wait_for_files(output, 1)
    _, errors = driver.communicate(timeout=120)

    assert driver.returncode == 1
    assert "could not answer for 1 s (--retry-for)" in errors
    assert "Traceback" not in errors
    assert f"What was written is kept in {output}" in errors.splitlines()[-1]
