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


def test_a_build_reports_its_steps_and_what_was_built_and_how_to_serve_it(
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
        f"python -m server --repository '{repository}' --model-config-name onnxruntime",
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
    "more",
    [
        ["--max-batch", "0"],
        ["--max-batch", "two"],
        ["--runtime", "torch"],
        ["--precision", "fp8"],
        ["--opt-batch", "4"],
        ["--version-compatible"],
        ["--runtime", "tensorrt_rtx", "--opt-batch", "0"],
        ["--runtime", "tensorrt_rtx", "--workspace", "0"],
        ["--runtime", "tensorrt_rtx", "--workspace", "nan"],
        ["--runtime", "tensorrt_rtx", "--optimization-level", "6"],
        ["--runtime", "tensorrt_rtx", "--hardware-compatibility", "volta"],
        ["--nonsense"],
    ],
)
def test_a_wrong_command_line_is_a_usage_error(tmp_path: Path, more: list[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        build(tmp_path / "repository", *more)
    assert exit_.value.code == 2
