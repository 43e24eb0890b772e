"""Waiting for a tritonserver that was started to load its models."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from server import failures
from server.errors import ServerError
from server.health import ModelState
from server.log import last_word_of_a_model, noteworthy_lines
from server.process import Process

POLL_SECS = 0.1
PROGRESS_SECS = 5.0

logger = logging.getLogger(__name__)


def wait_until_loaded(
    process: Process,
    index: Callable[[], list[ModelState] | None],
    models: Sequence[str],
    log_path: Path,
    timeout_secs: float,
) -> list[ModelState]:
    """Returns Triton's index once every model is loaded, or has failed to.

    Args:
        process: the tritonserver.
        index: asks it for its index; None while it does not answer.
        models: those that it loads, for reports of progress.
        log_path: its log.
        timeout_secs: how long that may take without a word in the log. A network that is compiled
            for a dozen shapes takes long, and says so after each.

    Raises:
        ServerError: it has ended, or takes too long.
    """
    started = heard = time.monotonic()
    reported, log_bytes = 0.0, 0
    while (states := index()) is None:
        now = time.monotonic()
        elapsed = now - started
        if log_bytes != (log_bytes := log_path.stat().st_size):
            heard = now
        if process.has_ended():
            raise ServerError(f"tritonserver ended while it started; {_end_of(log_path)}")
        if now - heard > timeout_secs:
            raise ServerError(
                f"tritonserver has not loaded its models in {elapsed:.0f} s, and its log says "
                f"nothing new for {timeout_secs:g} s; {_end_of(log_path)}"
            )
        if elapsed - reported >= PROGRESS_SECS:
            reported = elapsed
            said = last_word_of_a_model(log_path)
            logger.info(
                "Loading %s ... %.0f s%s", ", ".join(models), elapsed, f", {said}" if said else ""
            )
        time.sleep(POLL_SECS)
    return states


def ready_models(
    states: Sequence[ModelState],
    models: Sequence[str],
    log_path: Path,
    unused_config_names: Sequence[str],
) -> list[str]:
    """Returns the models that are ready, in alphabetical order.

    Args:
        states: Triton's index.
        models: those that the repository holds.
        log_path: the server's log.
        unused_config_names: what --model-config-name could have been.

    Raises:
        ServerError: one has failed to load; the message says why.
    """
    log = noteworthy_lines(log_path)
    if failed := failures.model_failures(models, states, log):
        raise ServerError(failures.describe_model_failures(failed, log, unused_config_names))
    return sorted({state.name for state in states if state.state == "READY"})


def _end_of(log_path: Path) -> str:
    return "the end of its log:\n" + failures.describe_end_of_log(noteworthy_lines(log_path))
