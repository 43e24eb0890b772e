"""The shares of a data set."""

from __future__ import annotations

import pytest

from client.coco.shard import Shard


@pytest.mark.parametrize("count", [1, 2, 7, 64, 65])
def test_every_picture_is_in_one_shard(count: int) -> None:
    items = range(64)
    shares = [Shard(number, count).of(items) for number in range(1, count + 1)]

    assert sorted(item for share in shares for item in share) == list(items)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "1/", "/3", "1/0", "-1/3", "a/b", "1/3/5", ""])
def test_what_is_not_a_shard_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected i/n"):
        Shard.parse(text)
