from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from perf.__main__ import main
from perf.studies import growth

DEMO = Path(__file__).parents[3] / "demo"
ARGUMENTS = [
    "growth",
    f"--config={DEMO / 'mask_rcnn_R_50_FPN_shapes.yaml'}",
    f"--images={DEMO / 'val/images'}",
    "--pictures=1",
]


def test_the_page_has_a_curve_of_time_and_of_memory_for_all_that_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    proposals, *_, batch = growth.AXES
    axes = (
        dataclasses.replace(proposals, values=(50, 200)),
        dataclasses.replace(growth.BATCH, values=(3,)),
    )
    assert batch is growth.BATCH
    monkeypatch.setattr(growth, "AXES", axes)
    monkeypatch.setattr(growth, "BATCH", axes[1])
    weights = f"--weights={DEMO / 'mask_rcnn_R_50_FPN_shapes.pkl'}"
    page = tmp_path / "growth.html"
    assert main([*ARGUMENTS, weights, f"--output={page}"]) == 0
    few, many, three, setting, _ = capsys.readouterr().out.splitlines()
    assert few.split()[:2] == ["50", "proposals"]
    assert all(float(row.split()[at]) > 0 for row, at in ((few, 2), (many, 2), (three, 5)))
    assert "mask_rcnn_R_50_FPN_shapes.yaml, fp32, ONNX Runtime" in setting
    text = page.read_text()
    assert text.count("<svg") == 4
    for name in ("proposals", "pictures in a batch"):
        assert text.count(f">{name}</text>") == 2


def test_weights_of_another_network_are_refused_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = f"--weights={DEMO / 'mask_rcnn_R_50_C4_shapes.pkl'}"
    assert main([*ARGUMENTS, weights, f"--output={tmp_path / 'growth.html'}"]) == 1
    assert capsys.readouterr().err.startswith("error: ")
