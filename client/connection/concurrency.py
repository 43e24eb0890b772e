"""Many things under way at once, in one thread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


async def for_each(
    items: Iterable[Item], work: Callable[[Item], Awaitable[None]], *, concurrency: int
) -> None:
    """Await `work(item)` for every item, `concurrency` of them at a time, begun in order.

    The first exception out of `work` stops the others and is raised here.
    """
    remaining = iter(items)

    async def worker() -> None:
        for item in remaining:
            await work(item)

    workers = [asyncio.create_task(worker()) for _ in range(concurrency)]
    try:
        await asyncio.gather(*workers)
    finally:
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


async def in_order(
    items: AsyncIterable[Item],
    work: Callable[[Item], Coroutine[Any, Any, Answer]],
    *,
    concurrency: int,
) -> AsyncGenerator[Answer, None]:
    """What `work(item)` gives for every item, in their order, `concurrency` of them at a time.

    No more items are taken than are under way. The first exception out of `work` stops the others
    and is raised here.
    """
    under_way: deque[asyncio.Task[Answer]] = deque()
    try:
        async for item in items:
            under_way.append(asyncio.create_task(work(item)))
            while under_way and (len(under_way) >= concurrency or under_way[0].done()):
                yield await under_way.popleft()
        while under_way:
            yield await under_way.popleft()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
