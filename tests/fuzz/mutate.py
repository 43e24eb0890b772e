"""Changes to bytes, like those that damage or malice makes."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from random import Random

INTERESTING = (0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 50_000, 2**31 - 1, 2**32 - 1)
"""Values of counts, lengths and offsets at which readers go wrong."""

_FIELDS = ("<B", "<H", ">H", "<I", ">I", "<Q", ">Q")


def mutated(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """The data after one to four changes.

    Args:
        data: what is changed.
        others: where spliced parts come from.
        random: decides.
    """
    for _ in range(random.choice((1, 1, 2, 4))):
        data = random.choice(_CHANGES)(data, others, random)
    return data


def _flip_bit(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    if not data:
        return data
    place = random.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << random.randrange(8)]) + data[place + 1 :]


def _set_field(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    form = random.choice(_FIELDS)
    size = struct.calcsize(form)
    value = random.choice(INTERESTING) % 256**size
    place = random.randrange(max(1, len(data) - size + 1))
    return data[:place] + struct.pack(form, value) + data[place + size :]


def _cut_off(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    return data[: random.randrange(len(data) + 1)]


def _delete(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    start, stop = _range(data, random)
    return data[:start] + data[stop:]


def _repeat(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    start, stop = _range(data, random)
    return data[:stop] + data[start:stop] * random.choice((1, 1, 2, 8)) + data[stop:]


def _overwrite(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    start, stop = _range(data, random)
    return data[:start] + random.randbytes(stop - start) + data[stop:]


def _splice(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    other = random.choice(others)
    start, stop = _range(other, random)
    place = random.randrange(len(data) + 1)
    skipped = random.choice((0, stop - start))
    return data[:place] + other[start:stop] + data[place + skipped :]


def _range(data: bytes, random: Random) -> tuple[int, int]:
    start = random.randrange(len(data) + 1)
    return start, min(len(data), start + random.choice((1, 2, 4, 16, 64, 1024)))


_CHANGES: tuple[Callable[[bytes, Sequence[bytes], Random], bytes], ...] = (
    *(_flip_bit, _set_field, _set_field, _cut_off),
    *(_delete, _repeat, _overwrite, _splice),
)
