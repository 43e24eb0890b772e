"""The client as a library: what an application sees of a served model."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import client
from client import AsyncDetector, ClientError, Detector, PictureError, RequestFailed
from client.connection.background import background_loop
from client.pictures.encoded import Picture
from server.launch import TritonServer
from tests.client.conftest import Demo, wait_until, write_recorded_repository

ROOT = Path(__file__).parents[2]


@pytest.fixture
def detector(recorded_server: TritonServer) -> Iterator[Detector]:
    with Detector(recorded_server.grpc_url) as detector:
        yield detector


def pictures(demo: Demo, count: int) -> list[Path]:
    return [demo.images / image["file_name"] for image in demo.content["images"][:count]]


def expected(demo: Demo, count: int) -> list[list[float]]:
    """The scores of detectron2 in each of the first pictures."""
    return [
        [found["score"] for found in demo.results if found["image_id"] == image["id"]]
        for image in demo.content["images"][:count]
    ]


def scores(results: list[client.Result]) -> list[Any]:
    return [pytest.approx(result.scores.tolist()) for result in results]


def test_three_lines(recorded_server: TritonServer, demo: Demo, protocol: str) -> None:
    url = recorded_server.grpc_url if protocol == "grpc" else recorded_server.http_url
    detector = Detector(url, model="mask_rcnn", protocol=protocol)
    found = detector(pictures(demo, 1)[0])

    assert [found.scores.tolist()] == [pytest.approx(scores) for scores in expected(demo, 1)]
    detector.close()


def test_many_pictures_come_back_in_their_order(detector: Detector, demo: Demo) -> None:
    assert expected(demo, 20) == scores(detector(pictures(demo, 20)))


def test_a_stream_takes_no_more_pictures_than_are_under_way(detector: Detector, demo: Demo) -> None:
    taken = 0

    def counted() -> Iterator[Path]:
        nonlocal taken
        for path in pictures(demo, 12):
            taken += 1
            yield path

    results = []
    for number, result in enumerate(detector.stream(counted(), concurrency=3)):
        assert taken <= number + 3
        results.append(result)
    assert expected(demo, 12) == scores(results)


def test_a_stream_that_is_left_leaves_nothing_under_way(detector: Detector, demo: Demo) -> None:
    for _ in detector.stream(pictures(demo, 10), concurrency=5):
        break
    wait_until(lambda: not detector._under_way)
    assert expected(demo, 1) == scores([detector(pictures(demo, 1)[0])])


@pytest.mark.parametrize("concurrency", [0, -1])
def test_a_stream_of_none_at_once_is_refused(detector: Detector, concurrency: int) -> None:
    with pytest.raises(ClientError, match=f"concurrency is {concurrency}: at least one"):
        next(iter(detector.stream([], concurrency=concurrency)))


def test_several_threads_share_a_detector(detector: Detector, demo: Demo) -> None:
    found: dict[int, client.Result] = {}

    def detect(number: int) -> None:
        found[number] = detector(pictures(demo, 8)[number])

    threads = [threading.Thread(target=detect, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert expected(demo, 8) == scores([found[number] for number in range(8)])


def test_it_works_inside_of_an_event_loop(detector: Detector, demo: Demo) -> None:
    """As in Jupyter, whose cells run in one."""

    async def cell() -> client.Result:
        return detector(pictures(demo, 1)[0])

    assert expected(demo, 1) == scores([asyncio.run(cell())])


def test_the_async_form(recorded_server: TritonServer, demo: Demo) -> None:
    async def some() -> AsyncIterator[Path]:
        for path in pictures(demo, 6):
            yield path

    async def main() -> list[list[client.Result]]:
        async with AsyncDetector(recorded_server.grpc_url) as detector:
            one = await detector(pictures(demo, 1)[0])
            return [
                [one],
                await detector(pictures(demo, 6)),
                [found async for found in detector.stream(some(), concurrency=2)],
                list(await asyncio.gather(*map(detector, pictures(demo, 6)))),
            ]

    one, *several = asyncio.run(main())
    assert expected(demo, 1) == scores(one)
    for results in several:
        assert expected(demo, 6) == scores(results)


def test_a_fault_names_the_picture_and_spoils_nothing(detector: Detector, demo: Demo) -> None:
    path = pictures(demo, 1)[0]
    with pytest.raises(PictureError, match=r"no/such\.jpg: cannot read it"):
        detector("no/such.jpg")
    with pytest.raises(PictureError, match="channel_order"):
        detector(np.zeros((4, 4, 3), np.uint8))
    mixed: list[Picture] = [path, "no/such.jpg", path]
    with pytest.raises(PictureError, match=r"no/such\.jpg"):
        detector(mixed)
    assert expected(demo, 1) == scores([detector(path)])


def test_what_the_server_refuses_is_its_own_sentence(demo_server: TritonServer) -> None:
    with (
        Detector(demo_server.grpc_url) as detector,
        pytest.raises(RequestFailed, match="score_threshold"),
    ):
        detector(Image.new("RGB", (64, 64)), score_threshold=7)


def test_a_detector_that_is_closed_says_so(recorded_server: TritonServer, demo: Demo) -> None:
    detector = Detector(recorded_server.grpc_url)
    detector.close()
    detector.close()
    with pytest.raises(ClientError, match="not open, or closed: use it inside of `with"):
        detector(pictures(demo, 1)[0])

    async def unopened() -> None:
        await AsyncDetector(recorded_server.grpc_url)(pictures(demo, 1)[0])

    with pytest.raises(ClientError, match="async with AsyncDetector"):
        asyncio.run(unopened())


def test_closing_ends_what_other_threads_wait_for(demo: Demo, tmp_path: Path) -> None:
    repository = write_recorded_repository(tmp_path, demo, delay_s=20)
    with TritonServer(repository, exit_timeout_secs=0) as server:
        detector = Detector(server.grpc_url)
        error: list[ClientError] = []

        def wait() -> None:
            try:
                detector(pictures(demo, 1)[0])
            except ClientError as refused:
                error.append(refused)

        thread = threading.Thread(target=wait)
        thread.start()
        wait_until(lambda: bool(detector._under_way))
        detector.close()
        thread.join(10)
        assert [str(each) for each in error] == ["the detector was closed before the answer came"]


def test_a_detector_that_nothing_refers_to_closes_itself(
    recorded_server: TritonServer, demo: Demo
) -> None:
    entered = background_loop("grpc")._entered
    before = len(entered)
    detector = Detector(recorded_server.grpc_url)
    assert len(entered) == before + 1
    del detector
    gc.collect()
    wait_until(lambda: len(entered) == before)


def test_no_server_and_no_such_model_are_told(recorded_server: TritonServer) -> None:
    with pytest.raises(ClientError, match=r"127\.0\.0\.1:1"):
        Detector("127.0.0.1:1")
    with pytest.raises(ClientError, match="It serves mask_rcnn"):
        Detector(recorded_server.grpc_url, model="other")
    with pytest.raises(TypeError, match="retries"):
        Detector(recorded_server.grpc_url, retries=3)


def test_what_the_page_shows_runs(
    demo_server: TritonServer, demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mask_rcnn_client", client)
    monkeypatch.chdir(tmp_path)
    one, two, three = pictures(demo, 3)
    for name, picture in {"one.jpg": one, "two.jpg": two, "photos/three.jpg": three}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(picture, tmp_path / name)
    shutil.copy(one, tmp_path / "photo.jpg")
    with Image.open(two) as picture:
        picture.save(tmp_path / "photo.png")

    page = (ROOT / "docs" / "python.md").read_text()
    program = "\n".join(re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL))
    shown: dict[str, Any] = {}
    exec(program.replace("127.0.0.1:8001", demo_server.grpc_url), shown)
    shown["detector"].close()
    asyncio.run(shown["main"]())
    assert len(shown["found"]) > 0
    for method in re.findall(r"^\| `found\.(\w+)\(", page, re.MULTILINE):
        assert hasattr(client.Result, method)


SCRIPT = """
import sys
from client import Detector

detector = Detector(sys.argv[1])
print(len(detector(sys.argv[2])), flush=True)
"""


def test_a_script_that_closes_nothing_ends(recorded_server: TritonServer, demo: Demo) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, recorded_server.grpc_url, str(pictures(demo, 1)[0])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{len(expected(demo, 1)[0])}\n"


def test_ctrl_c_ends_a_wait(demo: Demo, tmp_path: Path) -> None:
    repository = write_recorded_repository(tmp_path, demo, delay_s=20)
    script = SCRIPT.replace("print", "print('asking', flush=True); print")
    with TritonServer(repository, exit_timeout_secs=0) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", script, server.grpc_url, str(pictures(demo, 1)[0])],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "asking\n"
        time.sleep(0.2)  # until it waits: earlier it would end as well, by another way
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
    assert errors.rstrip().endswith("KeyboardInterrupt")


def _use_in_a_fork(
    detector: Detector, server: TritonServer, path: Path, answers: Connection
) -> None:
    told = []
    for use in (lambda: detector(path), lambda: Detector(server.grpc_url)):
        try:
            use()
        except ClientError as error:
            told.append(str(error))
    with Detector(server.http_url, protocol="http") as own:
        answers.send((told, own(path).scores.tolist()))


def test_a_fork_is_told_what_works_there(
    recorded_server: TritonServer, detector: Detector, demo: Demo
) -> None:
    """As PyTorch's DataLoader forks its workers."""
    path = pictures(demo, 1)[0]
    receiving, sending = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(
        target=_use_in_a_fork, args=(detector, recorded_server, path, sending)
    )
    process.start()
    try:
        assert receiving.poll(30), "the fork gave no answer"
        (of_its_parent, of_its_own), found = receiving.recv()
    finally:
        process.kill()
        process.join()
    assert "make one in each process" in of_its_parent
    assert 'start it with "spawn"' in of_its_own
    assert [found] == [pytest.approx(scores) for scores in expected(demo, 1)]
