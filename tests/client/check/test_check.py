"""`client check` against a real server, on builds that are right and such as have one fault."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from client.__main__ import main
from server.launch import TritonServer
from tests.client.check.conftest import (
    BOXES_ONLY,
    GONE,
    KEYPOINTS,
    LEAK,
    MEAN,
    RIGHT,
    THIRD,
    WEIGHTS,
)
from tests.client.conftest import options_for

CANVASES = ("160x256", "256x160", "256x256")
BATCHES = [f"batch of 3 on {canvas}" for canvas in CANVASES]


@dataclass
class Printed:
    """What the command says."""

    code: int
    rows: list[tuple[str, str, str]]
    """Subject, ok or FAILED, and text."""
    error: str

    @property
    def failed(self) -> list[str]:
        return [subject for subject, status, _ in self.rows if status == "FAILED"]

    def text(self, subject: str) -> str:
        [text] = [text for name, _, text in self.rows if name == subject]
        return text


Check = Callable[..., Printed]


@pytest.fixture
def check(server: TritonServer, capsys: pytest.CaptureFixture[str]) -> Check:
    """Runs the command on a model, with further options."""

    def run(model: str, *options: str, protocol: str = "grpc") -> Printed:
        capsys.readouterr()
        code = main(["check", *options_for(server, protocol), "--model", model, *options])
        printed = capsys.readouterr()
        rows = []
        for row in re.split(r"\n(?=\S)", printed.out.strip("\n")):
            subject, status, text = re.split(r"\s+(ok|FAILED)\s+", row, maxsplit=1)
            rows.append((subject, status, " ".join(text.split())))
        return Printed(code, rows, printed.err)

    return run


def test_servers_of_what_was_built_pass_and_are_held_against_each_other(
    check: Check, server: TritonServer
) -> None:
    port = server.grpc_url.rpartition(":")[2]
    printed = check(RIGHT, "--url", f"{server.grpc_url},localhost:{port}")
    assert (printed.code, printed.failed, printed.error) == (0, [], "")
    subjects = [subject for subject, _, _ in printed.rows]
    first = [
        *("server", "models", "build", "configuration", "preprocess", "recorded answers"),
        *("ensemble", BATCHES[0], "canvas 256x160", BATCHES[1], "canvas 256x256", BATCHES[2]),
    ]
    beside = f"beside {server.grpc_url}"
    assert subjects == [*first, *first[:7], beside, *first[7:]]
    assert printed.text(beside) == "the answers are those of that server"


@pytest.mark.parametrize(
    ("model", "protocol", "title"),
    [
        (BOXES_ONLY, "http", "Faster R-CNN R50-C4"),
        (KEYPOINTS, "grpc", "Keypoint R-CNN R50-FPN"),
    ],
)
def test_models_of_boxes_alone_and_of_points_pass(
    check: Check, model: str, protocol: str, title: str
) -> None:
    printed = check(model, protocol=protocol)
    assert (printed.code, printed.failed, printed.error) == (0, [], "")
    assert printed.text("build").startswith(f"{title}, fp32, of ")


def test_other_weights_are_named(check: Check) -> None:
    printed = check(WEIGHTS)
    assert (printed.code, printed.failed) == (1, ["recorded answers"])
    assert printed.text("recorded answers").startswith("other weights: ")
    assert "score 0.9426, recorded; not here" in printed.text("recorded answers")
    assert printed.error == "error: 1 check failed: recorded answers\n"


def test_a_wrong_mean_is_named(check: Check) -> None:
    printed = check(MEAN)
    assert (printed.code, printed.failed) == (1, ["recorded answers"])
    assert printed.text("recorded answers").startswith(
        "a wrong mean: the network takes off [123.675, 116.28, 103.53], and was built with the "
        "PIXEL_MEAN [103.53, 116.28, 123.675] picture 1: category "
    )


def test_a_canvas_that_leaks_is_named(check: Check) -> None:
    printed = check(LEAK)
    assert (printed.code, printed.failed) == (1, ["canvas 256x256", BATCHES[2]])
    assert re.search(
        r"^picture 1: category \d+ at .*, on 160x256; ", printed.text("canvas 256x256")
    )


def test_a_wrong_place_in_a_batch_is_named(check: Check) -> None:
    printed = check(THIRD)
    assert (printed.code, printed.failed) == (1, BATCHES)
    for batch in BATCHES:
        assert printed.text(batch).startswith(
            "place 3 of 3 is wrong, and the others are right place 3, "
        )
    assert printed.error == f"error: 3 checks failed: {', '.join(BATCHES)}\n"


def test_a_missing_model_is_named(check: Check) -> None:
    printed = check(GONE)
    assert (printed.code, printed.failed) == (1, ["models"])
    assert printed.text("models").startswith("gone is not served: Request for unknown model")
    assert "gone_network is not served: " in printed.text("models")
    assert "gone_preprocess" not in printed.text("models")
    assert printed.text("models").endswith("nothing more could be checked")


def test_a_server_that_is_not_there_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--url", "127.0.0.1:9"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: no Triton server answers at 127.0.0.1:9 (grpc): ")
