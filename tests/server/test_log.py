from __future__ import annotations

from pathlib import Path

import pytest

from server import log
from server.launch import TritonServer
from server.log import GPU_DRIVER, LogReader, is_noteworthy, noteworthy_lines

WARNING = 'W1122 07:25:17.571987 17506 metrics.cc:798] "CPU metrics are unavailable"'
INFO = "I1122 07:25:17.572079 17506 model_lifecycle.cc:839] \"successfully loaded 'echo'\""
NO_GPU = 'E1122 07:25:17.572175 17506 server.cc:241] "CudaDriverHelper has not been initialized."'


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (WARNING, True),
        ("Traceback (most recent call last):", True),
        ('  File "model.py", line 4, in initialize', True),
        (INFO, False),
        ("", False),
        ("+-----------+---------+", False),
        ("| Model     | Version |", False),
        ('{"time": "2026-11-22T10:21:35.880+00:00", "step": "preprocess"}', False),
    ],
)
def test_noteworthy_are_warnings_errors_and_what_models_print(line: str, expected: bool) -> None:
    assert is_noteworthy(line) == expected


@pytest.mark.parametrize("has_gpu", [False, True])
def test_complaints_about_the_gpu_are_noteworthy_only_where_there_is_one(
    has_gpu: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = tmp_path / "nvidiactl"
    if has_gpu:
        driver.touch()
    monkeypatch.setattr(log, "GPU_DRIVER", driver)
    assert is_noteworthy(NO_GPU) == has_gpu


@pytest.mark.skipif(GPU_DRIVER.exists(), reason="what is told here may be about the GPU")
def test_a_server_that_is_well_has_nothing_noteworthy_in_its_log(
    demo_repository: Path, tmp_path: Path
) -> None:
    log_path = tmp_path / "tritonserver.log"
    with TritonServer(demo_repository, model_config_name="onnxruntime", log_path=log_path):
        assert noteworthy_lines(log_path) == []
    assert "CUDA driver version is insufficient" in log_path.read_text()


def test_a_growing_log_is_read_in_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w") as writer, LogReader(path) as reader:
        for text, expected in [
            ("", []),
            ("one\nt", ["one"]),
            ("w", []),
            (f"o\n{INFO}\n", ["two"]),
            ("three\nfour\n", ["three", "four"]),
        ]:
            writer.write(text)
            writer.flush()
            assert list(reader.new_lines()) == expected


def test_bytes_that_are_not_text_do_not_stop_the_reading(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"\xff\xfe\nafter\n")
    assert noteworthy_lines(path) == ["\ufffd\ufffd", "after"]
