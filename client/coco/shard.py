"""The shares of a data set that several clients evaluate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, order=True)
class Shard:
    """Number `number` of `count` shares; the first is number 1.

    Raises:
        ValueError: there is no such share.
    """

    number: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise ValueError(f"{self.number}/{self.count}: expected i/n with 1 <= i <= n")

    @classmethod
    def parse(cls, text: str) -> Shard:
        """The share that is written "i/n"."""
        number, slash, count = text.partition("/")
        if not slash or not (number.isdecimal() and count.isdecimal()):
            raise ValueError(f"{text!r}: expected i/n, such as 1/3")
        return cls(int(number), int(count))

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def of(self, items: Sequence[Item]) -> tuple[Item, ...]:
        """Every `count`-th item, beginning with the `number`-th; the shares together are all."""
        return tuple(items[self.number - 1 :: self.count])
