from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perf.errors import PerfError
from perf.result import Run, read_run, read_runs, write_run


def test_a_written_result_is_read_back_the_same(run: Run, tmp_path: Path) -> None:
    write_run(tmp_path, run)
    assert read_run(tmp_path) == run
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_an_empty_folder_explains_itself(tmp_path: Path) -> None:
    with pytest.raises(PerfError, match=r"holds no result.*python -m perf run"):
        read_runs([tmp_path])


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(PerfError, match="nowhere: no such folder"):
        read_runs([tmp_path / "nowhere"])


@pytest.mark.parametrize(
    "change",
    [
        lambda value: "not JSON {",
        lambda value: "[]",
        lambda value: "{}",
        lambda value: json.dumps({**value, "levels": 3}),
        lambda value: json.dumps({**value, "levels": [{}]}),
        lambda value: json.dumps({**value, "levels": [{**value["levels"][0], "odd": 1}]}),
        lambda value: json.dumps({**value, "models": {"a": {}}}),
        lambda value: json.dumps({**value, "scenario": {}}),
        lambda value: json.dumps({**value, "scenario": {**value["scenario"], "odd": 1}}),
        lambda value: json.dumps({**value, "scenario": {**value["scenario"], "step": "none"}}),
        lambda value: json.dumps({**value, "scenario": {**value["scenario"], "concurrency": []}}),
        lambda value: json.dumps({**value, "unknown": 1}),
        lambda value: json.dumps({**value, "levels": []}),
        lambda value: json.dumps({**value, "levels": [{**value["levels"][0], "throughput": 0}]}),
        lambda value: json.dumps({**value, "levels": [{**value["levels"][0], "load": 1e999}]}),
        lambda value: json.dumps({**value, "machine": {**value["machine"], "gpus": -1}}),
        lambda value: json.dumps({**value, "server": None}),
        lambda value: json.dumps({**value, "models": {}}),
        lambda value: json.dumps({**value, "started_at": 3}),
        lambda value: json.dumps({**value, "started_at": "\ud800"}),
        lambda value: json.dumps({**value, "versions": {"\ud800": "1"}}),
        lambda value: json.dumps({**value, "scenario": {**value["scenario"], "title": "\ud800"}}),
    ],
)
def test_a_damaged_result_is_named(results: Path, change: Callable[[Any], str]) -> None:
    path = results / "short" / "run.json"
    path.write_text(change(json.loads(path.read_text())))
    with pytest.raises(PerfError, match="is not what python -m perf run writes") as raised:
        read_runs([results])
    assert str(path) in str(raised.value)
