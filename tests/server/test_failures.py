from __future__ import annotations

import pytest

from server.failures import describe_end_of_log, describe_model_failures, model_failures
from server.health import ModelState

POLL_FAILED = (
    'E1122 07:25:17.574525 17506 model_repository_manager.cc:1460] "Poll failed for model '
    "directory 'network': failed to read text proto from /r/network/config.pbtxt\""
)
NO_VERSION = "E1122 07:25:17.575472 17506 m.cc:724] \"failed to load model 'network': no version\""
STEP_FAILED = (
    "Invalid argument: ensemble 'detector' depends on 'network' which has no loaded version. "
    "Model 'network' loading failed with error: version 1 is at UNAVAILABLE state: Internal: "
    "ValueError: no model.onnx\\n\\nAt:\\n  /r/network/1/model.py(9): initialize\\n;"
)


@pytest.mark.parametrize(
    ("states", "log", "expected"),
    [
        pytest.param([ModelState("network", "READY", "")], [POLL_FAILED], {}, id="ready"),
        pytest.param(
            [ModelState("network", "UNAVAILABLE", "Internal: ValueError: no model.onnx\n")],
            [POLL_FAILED],
            {"network": "ValueError: no model.onnx"},
            id="reason in the index",
        ),
        pytest.param(
            [ModelState("network", "", "")],
            [POLL_FAILED],
            {
                "network": "Poll failed for model directory 'network': "
                "failed to read text proto from /r/network/config.pbtxt"
            },
            id="reason in the log only",
        ),
        pytest.param(
            [],
            [NO_VERSION],
            {"network": "failed to load model 'network': no version"},
            id="not in the index at all",
        ),
        pytest.param([ModelState("network", "", "")], [], {}, id="not asked for"),
        pytest.param(
            [
                ModelState("network", "READY", ""),
                ModelState("detector", "UNAVAILABLE", STEP_FAILED),
            ],
            [],
            {
                "detector": "Invalid argument: ensemble 'detector' depends on 'network' "
                "which has no loaded version."
            },
            id="an ensemble does not repeat its step's reason",
        ),
    ],
)
def test_every_model_that_should_be_ready_has_its_reason(
    states: list[ModelState], log: list[str], expected: dict[str, str]
) -> None:
    assert model_failures(["network"], states, log) == expected


def test_the_description_holds_reasons_and_what_was_printed() -> None:
    log = [POLL_FAILED, "printed by a model"]
    assert describe_model_failures({"a": "broken\n\nAt:\n  line 1"}, log, ["onnxruntime"]) == (
        "1 model failed to load\n"
        "  a: broken\n\n"
        "  At:\n"
        "    line 1\n"
        "Printed while loading:\n"
        "  printed by a model"
    )


def test_only_the_last_lines_of_a_long_log_are_shown() -> None:
    log = [f"line {number}" for number in range(100)]
    assert describe_end_of_log(log).splitlines() == [f"  {line}" for line in log[80:]]


def test_the_list_of_all_options_is_left_out() -> None:
    usage = ["Usage: tritonserver [options]", "Logging:", "  --log-info <boolean>", "\tEnable"]
    assert describe_end_of_log(["before", *usage, "after"]) == "  before\n  after"


def test_an_empty_log_is_called_so() -> None:
    assert describe_end_of_log([]) == "  nothing"
