"""What to tell a person whose server did not come up.

``log`` stands for the noteworthy lines of tritonserver's log, in all of these functions.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence

from server.health import ModelState
from server.log import TRITON_LINE

# An ensemble repeats the whole reason of its step, which is told under that step's own name.
REPEATED_REASON = re.compile(r" Model '\S+' loading failed with error: .*", re.DOTALL)
USAGE = "Usage: tritonserver [options]"
USAGE_LINE = re.compile(r"^\s|:$")
LAST_LINES = 20


def model_failures(
    models: Sequence[str], states: Sequence[ModelState], log: Sequence[str]
) -> dict[str, str]:
    """Returns the reason why a model is not ready, by the name of each that should be.

    Args:
        models: those that the repository holds; Triton's index omits some that it cannot read.
        states: Triton's index.
    """
    ready = {state.name for state in states if state.state == "READY"}
    reasons = {state.name: state.reason for state in states if state.reason}
    failed = {}
    for name in sorted({*models, *(state.name for state in states)} - ready):
        logged = [TRITON_LINE.sub("", line).strip('"') for line in log if f"'{name}'" in line]
        # Neither Triton nor its log has a word on a model that --model-control-mode leaves out.
        if reason := reasons.get(name) or "\n".join(logged):
            failed[name] = REPEATED_REASON.sub("", reason).removeprefix("Internal: ").strip()
    return failed


def describe_model_failures(
    failed: Mapping[str, str], log: Sequence[str], unused_config_names: Sequence[str]
) -> str:
    """Says which models failed and why, and what they printed.

    Args:
        failed: reason by model.
        unused_config_names: what --model-config-name could have been.
    """
    parts = [f"{_models(len(failed))} failed to load"]
    parts += [textwrap.indent(f"{name}: {reason}", "  ") for name, reason in failed.items()]
    if unused_config_names and any("backend library" in reason for reason in failed.values()):
        parts.append(
            "This tritonserver lacks a backend that the default configurations need. The "
            f"repository has others: --model-config-name {' or '.join(unused_config_names)}"
        )
    printed = [line for line in log if not TRITON_LINE.match(line)]
    if printed:
        parts.append("Printed while loading:")
        parts += [textwrap.indent(line, "  ") for line in printed[-LAST_LINES:]]
    return "\n".join(parts)


def describe_end_of_log(log: Sequence[str]) -> str:
    """Returns the log's last lines, for a failure that has no other explanation."""
    return textwrap.indent("\n".join(_without_usage(log)[-LAST_LINES:]) or "nothing", "  ")


def _without_usage(log: Sequence[str]) -> list[str]:
    """Returns the log without the 300 lines on every option that follow a wrong one."""
    if USAGE not in log:
        return list(log)
    start = log.index(USAGE)
    after = [line for line in log[start + 1 :] if not USAGE_LINE.search(line)]
    return [*log[:start], *after]


def _models(count: int) -> str:
    return "1 model" if count == 1 else f"{count} models"
