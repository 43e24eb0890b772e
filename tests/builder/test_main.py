from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from builder.__main__ import main

DEMO = Path(__file__).resolve().parents[2] / "demo"
CONFIG, WEIGHTS = DEMO / "mask_rcnn_R_50_C4_shapes.yaml", DEMO / "mask_rcnn_R_50_C4_shapes.pkl"
CATEGORIES = DEMO / "val/instances.json"


def build(repository: Path, *more: str, config: Path = CONFIG, weights: Path = WEIGHTS) -> int:
    required = ["--config", config, "--weights", weights, "--repository", repository]
    return main(["build", *map(str, required), *more])


def test_a_build_reports_its_steps_and_what_was_built_and_how_to_use_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = tmp_path / "my repository"
    assert build(repository, "--categories", str(CATEGORIES), "--max-batch", "4") == 0
    printed = capsys.readouterr().out
    for expected in (
        "] weights ",
        "Mask R-CNN R50-C4, 2,236,380 parameters",
        "288/480 px on canvases of 288x480, 480x288, 480x480, up to 4 a batch",
        "8: circle",
        "served as    mask_rcnn, made of mask_rcnn_preprocess, mask_rcnn_network, ",
        f"python -m server --repository '{repository}' --model-config-name onnxruntime",
        "python -m client evaluate --images DIR --annotations FILE",
    ):
        assert expected in printed
    onnx.checker.check_model(repository / "mask_rcnn_network/1/model.onnx")
    assert "max_batch_size: 4" in (repository / "mask_rcnn/config.pbtxt").read_text()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"config": DEMO / "no.yaml"}, "no.yaml"),
        ({"weights": DEMO / "no.pkl"}, "no.pkl"),
        ({"weights": CATEGORIES}, "instances.json"),
        ({}, "pass --categories FILE"),
    ],
)
def test_a_build_that_cannot_go_on_says_why_and_leaves_nothing(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    wrong: dict[str, Path],
    message: str,
) -> None:
    more = ["--categories", str(CATEGORIES)] if wrong else []
    assert build(tmp_path / "repository", *more, **wrong) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("error: ")
    assert printed.count("\n") == 1
    assert message in printed
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--max-batch", "0"], "argument --max-batch: '0' is not a whole number from 1"),
        (["--max-batch", "two"], "argument --max-batch: 'two' is not a whole number from 1"),
        (["--instances", "-1"], "argument --instances: '-1' is not a whole number from 1"),
        (["--runtime", "torch"], "argument --runtime: invalid choice: 'torch'"),
        (["--precision", "fp8"], "argument --precision: invalid choice: 'fp8'"),
        (["--precision", "int8"], "--precision int8 needs --calibration DIR"),
        (["--calibration", "pictures"], "--calibration is for --precision int8"),
        (["--recursive"], "--recursive is for --precision int8"),
        (["--fp16-layers", "*"], "--fp16-layers is for --precision int8"),
        (["--opt-batch", "4"], "--opt-batch is for --runtime tensorrt or tensorrt_rtx"),
        (
            ["--version-compatible"],
            "--version-compatible is for --runtime tensorrt or tensorrt_rtx",
        ),
        (
            ["--runtime", "tensorrt_rtx", "--opt-batch", "0"],
            "argument --opt-batch: '0' is not a whole number from 1",
        ),
        (
            ["--runtime", "tensorrt_rtx", "--workspace", "0"],
            "argument --workspace: '0' is not a number of GiB above 0",
        ),
        (
            ["--runtime", "tensorrt_rtx", "--workspace", "nan"],
            "argument --workspace: 'nan' is not a number of GiB above 0",
        ),
        (
            ["--runtime", "tensorrt_rtx", "--optimization-level", "6"],
            "argument --optimization-level: invalid choice: 6",
        ),
        (
            ["--runtime", "tensorrt_rtx", "--hardware-compatibility", "volta"],
            "argument --hardware-compatibility: invalid choice: 'volta'",
        ),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_is_a_usage_error_that_names_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as exit_:
        build(tmp_path / "repository", *more)
    assert exit_.value.code == 2
    last_line = capsys.readouterr().err.splitlines()[-1]
    assert f"error: {message}" in last_line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a/b", "birds_network", "x" * 250])
def test_a_name_that_cannot_be_had_is_refused_before_any_file_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert build(tmp_path / "repository", "--name", name, config=tmp_path / "missing.yaml") == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: --name ")
    assert printed.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
