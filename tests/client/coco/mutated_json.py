"""JSON changed at random: values that break readers, keys and entries that go, come and move."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from tests.client.coco.small_dataset import HEIGHT, WIDTH, compressed

NUMBERS = (
    *(0, 1, -1, 2, 3, 4, 7, 31, 32, 33, 48, 49, 96, 1535, 1536, 1537, 65535, 65536, 2**30),
    *(
        2**31 - 1,
        2**31,
        2**32 - 1,
        2**32,
        2**32 + 5,
        2**53 + 1,
        2**63 - 1,
        2**63,
        -(2**31),
        -(2**63),
    ),
    *(10**30, 0.0, -0.0, 0.5, 1.0, 5.5, -47.5, 1e-320, 1e9, 4.3e8, 1e10, 1e11, 1e308, -1e308),
    *(float("nan"), float("inf"), float("-inf")),
)
TEXTS = (
    *("", "0", "1", "o", "P", "PPPPPPP1", "1\0", "é", "\ud800", "a.jpg", "../a.jpg", "/", "circle"),
    compressed(0, HEIGHT * WIDTH, 0),
    compressed(100, 0, HEIGHT * WIDTH - 100),
    compressed(1, 2, 3),
)
hostile = st.deferred(
    lambda: (
        st.sampled_from(NUMBERS)
        | st.sampled_from(TEXTS)
        | st.none()
        | st.booleans()
        | st.lists(st.sampled_from(NUMBERS), max_size=9)
        | st.lists(st.lists(st.sampled_from(NUMBERS), max_size=9), max_size=3)
        | st.fixed_dictionaries(
            {},
            optional={
                "size": st.lists(st.sampled_from(NUMBERS), max_size=3),
                "counts": st.sampled_from(TEXTS) | st.lists(st.sampled_from(NUMBERS), max_size=5),
            },
        )
    )
)
OPERATIONS = ("set", "set", "set", "delete", "repeat", "append", "swap")


@st.composite
def mutated(draw: st.DrawFn, value: Any) -> Any:
    """A copy of a JSON value after one to three changes."""
    root = {"": copy.deepcopy(value)}
    for _ in range(draw(st.sampled_from((1, 1, 1, 2, 3)))):
        parent, key = draw(st.sampled_from(list(_places(root))))
        operation = draw(st.sampled_from(OPERATIONS))
        if operation == "set" or parent is root:
            parent[key] = draw(hostile)
        elif operation == "delete":
            del parent[key]
        elif operation == "swap":
            other, its_key = draw(st.sampled_from(list(_places(root))))
            parent[key] = copy.deepcopy(other[its_key])
        elif isinstance(parent, list):
            added = copy.deepcopy(parent[key]) if operation == "repeat" else draw(hostile)
            parent.insert(key, added)
        else:
            parent["extra"] = draw(hostile)
    return root[""]


def _places(container: Any) -> Iterator[tuple[Any, Any]]:
    """Every container inside with each of its keys or indices."""
    keys = container.keys() if isinstance(container, dict) else range(len(container))
    for key in keys:
        yield container, key
        if isinstance(container[key], dict | list):
            yield from _places(container[key])
