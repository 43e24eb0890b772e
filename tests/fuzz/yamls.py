"""YAML of detectron2, changed line by line and value by value."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.fuzz.mutate import mutated

ROOT = Path(__file__).resolve().parents[2]

_SEEDS = [
    path.read_bytes()
    for path in (
        ROOT / "demo/mask_rcnn_R_50_C4_shapes.yaml",
        ROOT / "tests/configs/Base-RCNN-C4.yaml",
    )
]


def _bomb(first: bytes, each: bytes) -> bytes:
    """Eleven lines, of which each holds the one before it nine times."""
    lines = [b"A0: &a0 " + first]
    for number in range(1, 12):
        inside = b", ".join([b"*a%d" % (number - 1)] * 9)
        lines.append(b"A%d: &a%d " % (number, number) + each % inside)
    return b"\n".join(lines) + b"\n"


VALUES = (
    *(b"null", b"true", b"0", b"-1", b"1e999", b".nan", b"-.inf", b"0x" + b"f" * 50, b"0o777"),
    *(b"59:59:59", b"2001-02-30", b"'(10.0, 5'", b"'[' * 9", b"'" + b"(" * 300 + b"'", b"''"),
    *(b"'{1: 2}'", b"'9**9**9'", b"[]", b"[[]]", b"[[8, 16]]", b"[true]", b"{}", b"{a: b}"),
    *(b"!!python/object/apply:os.system ['true']", b"!!python/name:os.system", b"!!binary aGk="),
    *(b"!!python/object/new:os.mkdir [x]", b"!!set {a}", b"!!omap [a: b]", b"!!int x", b"!x y"),
    *(b"&a [*a, *a]", b"*a", b"&b {<<: *b}", b"{<<: [{a: 1}, {b: 2}]}", b'"\\ud800"', b"|", b"- -"),
)
LINES = (
    *(b"_BASE_: base.yaml", b"_BASE_: [base.yaml, base.yaml]", b"_BASE_: model.yaml"),
    *(b"_BASE_: /dev/zero", b"_BASE_: [[a]]", b"_BASE_: https://example.org/a", b"_BASE_: '\\0'"),
    *(b"%YAML 9.9", b"---", b"...", b"? [a, b]\n: c", b"<<: {a: b}", b"\t- a", b"# x"),
    _bomb(b"[x, x]", b"[%s]") + b"_BASE_: *a11",
    _bomb(b"{x: y}", b"{<<: [%s]}"),
)


def seeds() -> list[bytes]:
    """The demo's configuration, and a base of detectron2's own."""
    return list(_SEEDS)


def changed(data: bytes, random: Random) -> bytes:
    """The text with some of its lines removed, repeated or exchanged, or values replaced."""
    if random.random() < 0.3:
        return mutated(data, _SEEDS, random)
    lines = data.split(b"\n")
    for _ in range(random.choice((1, 1, 2, 5))):
        place = random.randrange(len(lines))
        kind = random.random()
        if kind < 0.5:
            key, colon, _ = lines[place].partition(b":")
            if colon:
                lines[place] = key + b": " + random.choice(VALUES)
        elif kind < 0.65:
            lines.insert(place, random.choice(LINES))
        elif kind < 0.75 and len(lines) > 1:
            del lines[place]
        elif kind < 0.85:
            lines[place] = b" " * random.randrange(8) + lines[place].lstrip()
        else:
            lines.insert(place, random.choice(random.choice(_SEEDS).split(b"\n")))
    return b"\n".join(lines)
