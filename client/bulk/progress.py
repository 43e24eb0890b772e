"""How far a run is, on stderr."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm


class Progress:
    """The actor that all workers tell how far they are, and why the run has to end."""

    def __init__(self) -> None:
        self._count = self._failed = 0
        self._reason: str | None = None

    def add(self, count: int, failed: int) -> None:
        """So many pictures more, and how many of them failed."""
        self._count += count
        self._failed += failed

    def counts(self) -> tuple[int, int]:
        """Those so far."""
        return self._count, self._failed

    def give_up(self, reason: str) -> None:
        """Why the run has to end: what is raised arrives with Ray's words around it."""
        self._reason = self._reason or reason

    def reason(self) -> str | None:
        """The first that was told."""
        return self._reason


@contextmanager
def shown_progress(total: int, finished: int) -> Iterator[Any]:
    """A bar, for as long as the body runs.

    Args:
        total: pictures of the run.
        finished: those of an earlier part of it.

    Yields:
        The handle of a `Progress`, for the workers.
    """
    # On this node: a cluster may lose any other.
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    progress = ray.remote(num_cpus=0, scheduling_strategy=here)(Progress).remote()
    every = 0.5 if sys.stderr.isatty() else 10.0
    ended = threading.Event()
    bar = tqdm(total=total, initial=finished, desc="bulk", unit="image", mininterval=0)

    def show() -> None:
        count, failed = ray.get(progress.counts.remote())
        bar.set_postfix({"failed": failed} if failed else {}, refresh=False)
        bar.update(finished + count - bar.n)

    def follow() -> None:
        while not ended.wait(every):
            show()

    thread = threading.Thread(target=follow, daemon=True)
    with bar, logging_redirect_tqdm():
        thread.start()
        try:
            yield progress
            show()
        finally:
            ended.set()
            thread.join()
