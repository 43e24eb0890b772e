"""Frames of what does not wait: a camera, or a stream without a length."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Newest(Generic[Item]):
    """The items of an iterable, taken in a thread of their own as they come.

    Who iterates gets the newest one. Those before it that nobody took are left out, so that what is
    slower than a camera sees what the camera sees now, and no backlog.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        self.left_out = 0
        """How many so far."""
        self._items = items
        self._slot: queue.Queue[Item | _End] = queue.Queue(1)
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._take, name="newest-frame", daemon=True)

    def __enter__(self) -> Newest[Item]:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Waits until the item is there that is being taken."""
        self._is_closed.set()
        while self._thread.is_alive():
            with suppress(queue.Empty):
                self._slot.get_nowait()
            self._thread.join(0.01)

    def __iter__(self) -> Iterator[Item]:
        while not isinstance(item := self._slot.get(), _End):
            yield item
        if item.error is not None:
            raise item.error

    def _take(self) -> None:
        try:
            for item in self._items:
                if self._is_closed.is_set():
                    break
                with suppress(queue.Empty):
                    self._slot.get_nowait()
                    self.left_out += 1
                self._slot.put(item)
        except BaseException as error:
            self._slot.put(_End(error))
        else:
            self._slot.put(_End(None))


class _End:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error
