"""The signals that end a program, whatever it was started with."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from server.interrupt import raise_keyboard_interrupt

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture
def ignored() -> Iterator[None]:
    """As a shell starts a program in the background."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("ignored")
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_the_program_as_ctrl_c_does(number: signal.Signals) -> None:
    raise_keyboard_interrupt()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)
