"""Several servers for one client, three real ones: what happens when one of them goes away."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from client.connection.model_connection import ModelConnection, connect
from client.connection.settings import Connection
from client.errors import ClientError, ServerUnavailable
from client.result_files import COCO_RESULTS, RESULTS, SUMMARY
from server.launch import TritonServer
from tests.client.conftest import Demo, connection_to, evaluate_demo, finished, wait_until


@pytest.fixture(scope="module")
def repositories(slow_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("three")
    return [shutil.copytree(slow_repository, folder / name) for name in "abc"]


@pytest.fixture(scope="module")
def three_servers(repositories: list[Path]) -> Iterator[list[TritonServer]]:
    servers = [TritonServer(repository, exit_timeout_secs=0) for repository in repositories]
    # A server ends with the thread that started it: these last until all have been stopped.
    with ThreadPoolExecutor(3) as threads:
        try:
            list(threads.map(TritonServer.start, servers))
            yield servers
        finally:
            list(threads.map(kill, servers))
            list(threads.map(TritonServer.stop, servers))


@pytest.fixture
def servers(three_servers: list[TritonServer]) -> list[TritonServer]:
    """Three servers of one model, each with a repository of its own."""
    for server in three_servers:
        if server.has_ended():
            server.restart()
    return three_servers


@pytest.fixture
def picture(demo: Demo) -> bytes:
    return (demo.images / "000000.jpg").read_bytes()


def urls(servers: Sequence[TritonServer]) -> str:
    return ",".join(server.grpc_url for server in servers)


def kill(server: TritonServer) -> None:
    if not server.has_ended():
        os.kill(server.process_id, signal.SIGKILL)
        wait_until(server.has_ended)


async def detect_until(
    detector: ModelConnection, picture: bytes, condition: Callable[[], bool]
) -> None:
    give_up_at = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up_at, "it did not happen within 30 s"
        await detector.detect(picture)
        await asyncio.sleep(0.01)


def test_a_server_that_hangs_loses_its_pictures_to_the_others_until_it_goes_on(
    servers: list[TritonServer], picture: bytes
) -> None:
    async def scenario() -> None:
        async with connect(Connection(urls(servers), timeout=2)) as detector:
            counts = detector.endpoints.counts
            os.kill(servers[2].process_id, signal.SIGSTOP)
            try:
                await asyncio.gather(*(detector.detect(picture) for _ in range(6)))
                assert [endpoint.went_away for endpoint in counts()] == [0, 0, 1]
                assert counts()[2].answered == 0
                assert detector.endpoints.retries == 2
            finally:
                os.kill(servers[2].process_id, signal.SIGCONT)
            await detect_until(detector, picture, lambda: counts()[2].answered > 0)

    asyncio.run(scenario())


def test_a_server_killed_in_mid_evaluation_changes_no_result(
    servers: list[TritonServer], recorded_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    expected = evaluate_demo(demo, connection_to(recorded_server), alone)
    with ThreadPoolExecutor(1) as thread:
        evaluation = thread.submit(
            evaluate_demo, demo, Connection(urls(servers), concurrency=9), shared
        )
        wait_until(lambda: finished(shared) >= 9)
        kill(servers[2])
        assert finished(shared) < 64, "it was over before the server died"
        summary = evaluation.result()

    assert summary.complete
    assert summary.metrics == expected.metrics
    assert (shared / COCO_RESULTS).read_bytes() == (alone / COCO_RESULTS).read_bytes()
    results = (shared / RESULTS).read_text().splitlines()
    image_ids = [json.loads(line)["image_id"] for line in results[1:]]
    assert sorted(image_ids) == [image["id"] for image in demo.content["images"]]
    assert [endpoint.url for endpoint in summary.endpoints] == urls(servers).split(",")
    assert [endpoint.went_away for endpoint in summary.endpoints] == [0, 0, 1]
    answered = [endpoint.answered for endpoint in summary.endpoints]
    assert sum(answered) == 64
    assert 0 < answered[2] < min(answered[:2])
    assert summary.retries > 0
    assert f"{servers[2].grpc_url}: answered {answered[2]}, went away 1" in str(summary)
    written = json.loads((shared / SUMMARY).read_text())
    assert written["endpoints"][2] == {
        "url": servers[2].grpc_url, "answered": answered[2], "went_away": 1,
    }  # fmt: skip


def test_a_server_that_is_away_gets_its_share_when_it_is_back(
    three_servers: list[TritonServer], picture: bytes
) -> None:
    *_, away = three_servers
    kill(away)

    async def scenario() -> None:
        async with connect(Connection(urls(three_servers))) as detector:
            counts = detector.endpoints.counts
            await asyncio.gather(*(detector.detect(picture) for _ in range(6)))
            assert [endpoint.answered for endpoint in counts()] == [3, 3, 0]

            away.restart()
            await detect_until(detector, picture, lambda: counts()[2].answered > 0)

            before = counts()
            await asyncio.gather(*(detector.detect(picture) for _ in range(9)))
            gained = [a.answered - b.answered for a, b in zip(counts(), before, strict=True)]
            assert gained == [3, 3, 3]

    asyncio.run(scenario())


def test_a_server_whose_model_process_died_loses_its_pictures_to_the_others(
    servers: list[TritonServer], picture: bytes
) -> None:
    async def scenario() -> None:
        async with connect(Connection(urls(servers))) as detector:
            server = servers[2].process_id
            [stub] = Path(f"/proc/{server}/task/{server}/children").read_text().split()
            os.kill(int(stub), signal.SIGKILL)

            await asyncio.gather(*(detector.detect(picture) for _ in range(3)))

            assert [endpoint.went_away for endpoint in detector.endpoints.counts()] == [0, 0, 1]
        async with connect(connection_to(servers[2], retry_for=0.5)) as detector:
            with pytest.raises(ServerUnavailable, match=r"for 0\.5 s .* is not healthy"):
                await detector.detect(picture)

    asyncio.run(scenario())
    kill(servers[2])


def test_a_server_that_comes_back_with_another_model_is_not_used(
    three_servers: list[TritonServer], repositories: list[Path], picture: bytes
) -> None:
    *_, away = three_servers
    kill(away)
    config = repositories[2] / "mask_rcnn" / "config.pbtxt"
    before = config.read_text()

    async def scenario() -> None:
        async with connect(Connection(urls(three_servers))) as detector:
            await asyncio.gather(*(detector.detect(picture) for _ in range(3)))
            config.write_text(
                before + 'parameters { key: "resize" value: { string_value: "opencv" } }'
            )
            away.restart()
            with pytest.raises(
                ClientError,
                match=rf"{away.grpc_url} \(grpc\) is back with another model than before: "
                r"mask_rcnn\.parameters\.resize is None and opencv",
            ):
                await detect_until(detector, picture, lambda: False)

    try:
        asyncio.run(scenario())
    finally:
        config.write_text(before)
        kill(away)


def test_servers_of_different_models_are_refused_and_both_named(
    servers: list[TritonServer], boxes_only_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    url = f"{servers[0].grpc_url},{boxes_only_server.grpc_url}"

    with pytest.raises(
        ClientError,
        match=rf"{servers[0].grpc_url} \(grpc\) and {boxes_only_server.grpc_url} \(grpc\) serve "
        r"different models: .*mask_rcnn\.outputs is ",
    ):
        evaluate_demo(demo, Connection(url), tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_when_all_servers_stay_away_the_last_fault_is_told(
    servers: list[TritonServer], picture: bytes
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = f"127.0.0.1:{listener.getsockname()[1]}"

    async def scenario() -> None:
        url = f"{closed},{servers[2].grpc_url}"
        async with connect(Connection(url, retry_for=0.5)) as detector:
            await detector.detect(picture)
            kill(servers[2])
            with pytest.raises(
                ServerUnavailable, match=r"none of the 2 servers could answer for 0\.5 s"
            ):
                await detector.detect(picture)

    asyncio.run(scenario())
