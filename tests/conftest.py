"""The demo model, built and served once for all tests that need it, and `--reliability-rows`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from artifact.proxies import without_proxy_for_this_machine
from artifact.telemetry import disable_telemetry
from server.launch import TritonServer
from tests.recording_proxy import EXCEPTIONS, VARIABLES, RecordingProxy, recording_proxy

disable_telemetry()
# Tests ask servers themselves too, with clients that would ask the environment's proxy.
os.environ |= without_proxy_for_this_machine(os.environ)

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "demo"


@pytest.fixture(scope="session")
def demo_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model repository of the demo model, as ``python -m builder build`` writes it."""
    repository = tmp_path_factory.mktemp("demo") / "repository"
    build = subprocess.run(
        [
            *(sys.executable, "-m", "builder", "build"),
            *("--config", DEMO / "mask_rcnn_R_50_C4_shapes.yaml"),
            *("--weights", DEMO / "mask_rcnn_R_50_C4_shapes.pkl"),
            *("--categories", DEMO / "val" / "instances.json"),
            *("--repository", repository),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert build.returncode == 0, build.stderr
    return repository


@pytest.fixture(scope="session")
def demo_server(
    demo_repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TritonServer]:
    """A tritonserver on the demo repository, with ONNX Runtime, on free ports of 127.0.0.1."""
    log_path = tmp_path_factory.mktemp("demo_server") / "tritonserver.log"
    with TritonServer(
        demo_repository,
        model_config_name="onnxruntime",
        log_path=log_path,
        # Its end is no test's subject, and takes three seconds in good order.
        exit_timeout_secs=0,
    ) as server:
        yield server


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordingProxy]:
    """An HTTP proxy, which the environment names for everything, this machine included."""
    with recording_proxy() as proxy:
        for variable in VARIABLES:
            monkeypatch.setenv(variable, proxy.url)
        for variable in EXCEPTIONS:
            monkeypatch.delenv(variable, raising=False)
        yield proxy


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Called for `pytest -n 2` alone."""
    from tests.folder_scheduling import FolderScheduling

    config.option.loadscopereorder = False
    return FolderScheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Under `pytest -n 2`, folders of few tests first, which take the longest each.

    So no process has a long folder left when the other is done.
    """
    if hasattr(config, "workerinput"):
        tests = Counter(item.path.parent for item in items)
        items.sort(key=lambda item: tests[item.path.parent])


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--reliability-rows",
        type=Path,
        metavar="DIR",
        help="write what each fault and hostile input did into DIR, as JSON: make reliability",
    )


@pytest.fixture
def reliability_row(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Notes a row of the table in docs/reliability.md, where `--reliability-rows` is given.

    ``reliability_row(fault, tried=…, lost=…, recovered_in=…, seen_as=…)``: what was done, how many
    times, how many acknowledged results were lost, how long until served again (words and unit, ""
    where nothing had to recover), and what the user saw.
    """
    folder: Path | None = request.config.getoption("--reliability-rows")

    def note(fault: str, *, tried: int, lost: int, recovered_in: str, seen_as: str) -> None:
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^a-z0-9]+", "-", fault.lower()).strip("-")
        row = {
            "fault": fault,
            "tried": tried,
            "lost": lost,
            "recovered_in": recovered_in,
            "seen_as": seen_as,
            "test": request.node.nodeid,
        }
        (folder / f"{name}.json").write_text(json.dumps(row, indent=1, ensure_ascii=False) + "\n")

    return note
