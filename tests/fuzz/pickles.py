"""Pickles, made and changed opcode by opcode, so that they reach what plain damage does not."""

from __future__ import annotations

import io
import pickle
import pickletools
import struct
from collections import OrderedDict
from collections.abc import Callable
from random import Random

import numpy as np

from tests.builder.weights.small_network import tensors
from tests.fuzz.mutate import INTERESTING, mutated

NAMES = (
    *(("os", "system"), ("os", "mkdir"), ("posix", "system"), ("builtins", "eval")),
    *(("__builtin__", "eval"), ("builtins", "getattr"), ("builtins", "open"), ("numpy", "load")),
    *(("subprocess", "Popen"), ("numpy", "memmap"), ("builtins", "bytearray")),
    *(("builder.weights.unpickler", "StandIn"), ("copyreg", "_reconstructor")),
    *(("collections", "OrderedDict"), ("_codecs", "encode"), ("__builtin__", "bytes")),
    *(("numpy", "ndarray"), ("numpy", "dtype"), ("numpy.core.multiarray", "_reconstruct")),
    *(("numpy.core.multiarray", "scalar"), ("numpy._core.numeric", "_frombuffer")),
    *(("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_tensor_v3")),
    *(("torch._utils", "_rebuild_parameter"), ("torch._tensor", "_rebuild_from_type_v2")),
    *(("torch", "FloatStorage"), ("torch", "BFloat16Storage"), ("torch", "float32")),
    *(("torch.storage", "UntypedStorage"), ("torch", "Size"), ("collections", "defaultdict")),
    *(("torch._utils", "_rebuild_sparse_tensor"), ("torch.nn.modules.conv", "Conv2d")),
)
"""Functions that a pickle may ask for: the dangerous ones, and those that are admitted."""

WORDS = ("model", "get", "items", "__class__", "__setstate__", "__author__", "a.weight", "f4", "<")

_CALLS = (b"R", b"\x81", b"\x92", b"b", b"o", b"\x93")
_CONTAINERS = (b")", b"]", b"}", b"\x8f", b"(", b"t", b"l", b"d", b"\x85", b"\x86", b"\x87")
_CONTENTS = (b"a", b"e", b"s", b"u", b"\x90", b"\x91", b"0", b"1", b"2", b"\x94", b"N", b"\x88")


def seeds() -> list[bytes]:
    """Small checkpoints in every protocol."""
    arrays = {"a.weight": np.ones((2, 3), np.float32), "a.bias": np.zeros(2, ">f8")}
    checkpoints: list[object] = [
        {"model": arrays, "__author__": "someone"},
        {"model": OrderedDict(arrays), "iteration": np.int64(3), "notes": [1, (2.5, None)]},
        arrays | {"a.scale": np.float16(2)},
        {"model": tensors()},
    ]
    return [
        pickle.dumps(checkpoint, protocol)
        for checkpoint in checkpoints
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    ]


_SEEDS = seeds()


def changed(data: bytes, random: Random) -> bytes:
    """The pickle with some of its opcodes removed, repeated, exchanged or added to."""
    if random.random() < 0.2:
        return mutated(data, _SEEDS, random)
    opcodes = _opcodes(data)
    for _ in range(random.choice((1, 2, 3, 6))):
        place = random.randrange(len(opcodes) + 1)
        kind = random.random()
        if kind < 0.5:
            opcodes[place:place] = _new(random)
        elif kind < 0.65:
            del opcodes[place : place + random.choice((1, 1, 3))]
        elif kind < 0.8:
            start = random.randrange(len(opcodes) + 1)
            opcodes[place:place] = opcodes[start : start + random.choice((1, 4, 16))]
        else:
            other = _opcodes(random.choice(_SEEDS))
            start = random.randrange(len(other))
            opcodes[place : place + 1] = other[start : start + random.choice((1, 4, 16))]
    return b"".join(opcodes)


def _opcodes(data: bytes) -> list[bytes]:
    """The bytes of each opcode; what is none is left out. Frames are dropped: their lengths would
    have to follow every change."""
    places = []
    try:
        for opcode, _, place in pickletools.genops(io.BytesIO(data)):
            places.append((place, opcode.name))
    except Exception:  # whatever damage leads to
        pass
    stops = [*(place for place, _ in places), len(data)][1:]
    return [
        data[place:stop]
        for (place, name), stop in zip(places, stops, strict=True)
        if name != "FRAME"
    ]


def _new(random: Random) -> list[bytes]:
    return random.choice(_MAKERS)(random)


def _call(random: Random) -> list[bytes]:
    """A function and its arguments, called in one of the ways that there are."""
    return [_named(random), *_arguments(random), random.choice(_CALLS)]


def _named(random: Random) -> bytes:
    module, name = random.choice(NAMES)
    kind = random.randrange(3)
    if kind == 0:
        return f"c{module}\n{name}\n".encode()
    if kind == 1:
        return _text(module) + _text(name) + b"\x93"
    return f"(i{module}\n{name}\n".encode()


def _arguments(random: Random) -> list[bytes]:
    count = random.randrange(5)
    return [b"(", *(_value(random) for _ in range(count)), b"t"]


def _value(random: Random) -> bytes:
    kind = random.randrange(8)
    if kind == 7:
        return _storage(random)
    if kind == 0:
        return _text(random.choice(WORDS))
    if kind == 1:
        return b"J" + struct.pack("<I", random.choice(INTERESTING) % 2**32)
    if kind == 2:
        return b"C" + bytes([8]) + random.randbytes(8)
    if kind == 3:
        return random.choice((b"K\0\x85", b"K\1K\2\x86", b"(K\1K\1K\1K\1t", b"]", b"}", b")"))
    if kind == 4:
        return random.choice((b"h", b"j\0\0\0")) + bytes([random.randrange(20)])
    if kind == 5:
        return b"cnumpy\ndtype\n" + _text(random.choice(("f4", "O8", "V4"))) + b"\x85R"
    return random.choice((b"N", b"\x88", b"\x89", b"2", b"G" + bytes(8)))


def _storage(random: Random) -> bytes:
    """As torch names one in its files, or nearly so."""
    kind = random.choice((b"FloatStorage", b"BFloat16Storage", b"LongStorage"))
    length = b"J" + struct.pack("<I", random.choice((1, 4, 9, *INTERESTING)) % 2**32)
    key = _text(str(random.randrange(4)))
    return (
        b"(" + _text("storage") + b"ctorch\n" + kind + b"\n" + key + _text("cpu") + length + b"tQ"
    )


def _text(word: str) -> bytes:
    return b"\x8c" + bytes([len(word)]) + word.encode()


def _outside(random: Random) -> list[bytes]:
    """What refers to something outside of the pickle, or announces what does not follow."""
    number = struct.pack("<Q", random.choice(INTERESTING))
    return [
        random.choice(
            (
                b"Pdata\n",
                b"Q",
                b"\x82" + number[:1],
                b"\x83" + number[:2],
                b"\x84" + number[:4],
                b"\x97",
                b"\x98",
                b"\x8d" + number,
                b"\x8e" + number,
                b"\x96" + number,
                b"\x95" + number,
                b"T" + number[:4],
                b"\x8b" + number[:4],
                b"r" + number[:4],
                b"j" + number[:4],
                b"p" + str(random.choice(INTERESTING)).encode() + b"\n",
                b"L" + b"9" * random.choice((1, 20, 5000)) + b"L\n",
                b"I" + b"9" * random.choice((1, 20, 5000)) + b"\n",
                b"Fnan\n",
                b"S'" + b"\\x" * 3 + b"'\n",
                b"V\\ud800\n",
            )
        )
    ]


def _nested(random: Random) -> list[bytes]:
    """Tuples or lists, each of the one before it twice: small to write, large to walk through."""
    pair = random.choice((b"2\x86", b"(2\x94h\0h\0t", b"]\x94(h\0h\0e"))
    return [b")", *[pair] * random.choice((3, 40)), *random.choice(([b"K\1s"], [b"\x85"], []))]


_MAKERS: tuple[Callable[[Random], list[bytes]], ...] = (
    _call,
    lambda random: [_value(random)],
    lambda random: [random.choice(_CALLS)],
    lambda random: [random.choice(_CONTAINERS)],
    lambda random: [random.choice(_CONTENTS)],
    _outside,
    _nested,
)
