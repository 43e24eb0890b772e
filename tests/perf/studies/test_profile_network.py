from __future__ import annotations

import re
from pathlib import Path

import pytest

from perf.__main__ import main


def test_operators_and_nodes_are_listed_longest_first(
    demo_repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_LAUNCH_BLOCKING", raising=False)  # which the study sets
    command = ["profile-network", "--repository", str(demo_repository), "--batch", "1"]
    assert main([*command, "--canvas", "128x192", "--top", "4"]) == 0
    setting, operators, nodes = capsys.readouterr().out.strip().split("\n\n")
    model = demo_repository / "mask_rcnn_network" / "1" / "model.onnx"
    assert setting == f"{model}, batch 1, canvas 128x192, ms a run"
    for table in (operators, nodes):
        rows = [re.fullmatch(r" *(\d+\.\d\d)  (\S+)", line) for line in table.splitlines()]
        times = [float(row[1]) for row in rows if row]
        assert len(times) == 4
        assert times == sorted(times, reverse=True)
        assert times[0] > 0
    assert "Conv" in operators
    assert "roi_heads.res5" in nodes


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--repository", "/nowhere"], "there is no /nowhere/mask_rcnn_network/1/model.onnx"),
        (["--repository", "/nowhere", "--model", "birds"], "/nowhere/birds_network/1/model.onnx"),
    ],
)
def test_what_cannot_be_profiled_is_one_error_line(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile-network", *arguments]) == 1
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert reason in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("canvas", ["800", "0x1344", "800x", "axb", "800×1344", "-1x2"])
def test_a_canvas_is_a_height_and_a_width(canvas: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["profile-network", "--repository", "models", f"--canvas={canvas}"])
    assert f"{canvas!r} is not HEIGHTxWIDTH, such as 800x1344" in capsys.readouterr().err
