"""The line of JSON that each request leaves in the log, in preprocess and in postprocess."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.monitoring.conftest import SECOND_NAME, Traffic

FOLDER = Path(__file__).resolve().parents[2] / "model_repository/mask_rcnn_preprocess/1"


def test_a_request_is_found_by_its_id_in_both_steps(traffic: Traffic) -> None:
    lines = {line["step"]: line for line in traffic.lines if line["request_id"] == "together"}
    assert lines.keys() == {"preprocess", "postprocess"}
    for line in lines.values():
        assert line["model"] == "mask_rcnn"
        assert line["pictures"] == 3
        assert 0 < line["seconds"] < 60
        assert "refused" not in line
    assert lines["postprocess"]["detections"] > 0


def test_a_refusal_is_found_by_its_id_with_its_reason(traffic: Traffic) -> None:
    refused = Counter(
        (line["model"], line["step"], line["refused"])
        for line in traffic.lines
        if "refused" in line
    )
    assert refused == {
        ("mask_rcnn", "preprocess", "empty"): 20,
        ("mask_rcnn", "preprocess", "not_a_picture"): 1,
        ("mask_rcnn", "preprocess", "damaged"): 1,
        ("mask_rcnn", "postprocess", "bad_parameter"): 1,
        (SECOND_NAME, "preprocess", "empty"): 1,
    }
    (text,) = (line for line in traffic.lines if line["request_id"] == "text")
    assert text["pictures"] == 2


def test_an_id_cannot_forge_a_line_and_is_cut_at_128_characters(traffic: Traffic) -> None:
    forged = [line for line in traffic.lines if line["request_id"].startswith('{"forged"')]
    assert [line["step"] for line in forged] == ["preprocess", "postprocess"]
    assert {len(line["request_id"]) for line in forged} == {128}
    assert not any("forged" in line for line in traffic.lines)


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ("all", ["served", "bad"]),
        ("refused", ["bad"]),
        ("none", []),
        (None, ["served", "bad"]),
    ],
)
def test_the_environment_chooses_which_requests_are_logged(
    value: str | None, lines: list[str]
) -> None:
    run = report_two_requests(value)
    assert run.returncode == 0, run.stderr
    assert [line.split('"request_id": "')[1].split('"')[0] for line in run.stderr.splitlines()] == (
        lines
    )


def test_another_choice_is_refused_with_those_there_are() -> None:
    run = report_two_requests("some")
    assert "RCNN_REQUEST_LOG is 'some'; expected one of all, refused, none" in run.stderr


def report_two_requests(value: str | None) -> subprocess.CompletedProcess[str]:
    """Reports one served and one refused request, in a process without Triton."""
    program = """
from unittest.mock import MagicMock
from request_report import RequestReport
def report(request_id):
    return RequestReport("birds", "preprocess", MagicMock(), request_id, pictures=1)
report("served").finish()
report("bad").refuse("empty")
"""
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=FOLDER,
        env={} if value is None else {"RCNN_REQUEST_LOG": value},
        capture_output=True,
        text=True,
        check=False,
    )
