from __future__ import annotations

import re
from pathlib import Path

import pytest

from perf.__main__ import main
from tests.perf.studies.conftest import DataSet


@pytest.mark.long
def test_one_round_prints_both_rates_their_share_and_the_setting(
    demo_repository: Path, two_pictures: DataSet, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = ["--repository", str(demo_repository)]
    load = ["--rounds", "1", "--concurrency", "2"]
    assert main(["served-share", *repository, *two_pictures.options, *load]) == 0
    figures, setting = capsys.readouterr().out.splitlines()
    found = re.fullmatch(r"alone (.+), served (.+), alone (.+) images/s: (.+)", figures)
    assert found is not None
    before, served, after, share = map(float, found.groups())
    assert before > 0
    assert served > 0
    assert share == pytest.approx(served / ((before + after) / 2), abs=0.02)
    assert setting.endswith(
        f" cores; 2 requests in flight; served {share:.2f} of ONNX Runtime's own rate"
    )


def test_a_build_that_is_not_there_is_told_before_a_server_is_started(
    demo_repository: Path, two_pictures: DataSet, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["served-share", "--repository", str(demo_repository), "--model", "birds"]
    assert main([*command, *two_pictures.options]) == 1
    model = demo_repository / "birds_network" / "1" / "model.onnx"
    assert capsys.readouterr().err == f"error: there is no {model}; build the repository first\n"
