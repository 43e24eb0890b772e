"""Small pictures of every format that is served, changed so that they still reach the decoders."""

from __future__ import annotations

import struct
import zlib
from random import Random

from tests.fuzz.mutate import mutated
from tests.hostile_inputs import by_hand
from tests.hostile_inputs.by_hand import encoded
from tests.hostile_inputs.served import SERVED, photo

_PHOTO = photo(12, 17)
_SEEDS = [
    *(encoded(_PHOTO, name) for name in ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")),
    encoded(_PHOTO, "JPEG", progressive=True),
    encoded(_PHOTO, "WEBP", lossless=True),
    encoded(_PHOTO.convert("RGBA"), "WEBP"),
    encoded(_PHOTO.convert("P"), "PNG", transparency=3),
    encoded(_PHOTO.convert("1"), "TIFF", compression="group4"),
    *(
        encoded(_PHOTO, "TIFF", compression=name)
        for name in ("tiff_lzw", "jpeg", "tiff_adobe_deflate", "packbits", "zstd", "lzma")
    ),
    *(data for data in SERVED.values() if len(data) < 5000),
]
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def seeds() -> list[bytes]:
    """One picture for each format, compression and oddity."""
    return list(_SEEDS)


def changed(data: bytes, random: Random) -> bytes:
    """The file after some changes; in a PNG, the checksums are those of the changed chunks."""
    if data.startswith(_PNG_SIGNATURE) and random.random() < 0.8:
        return _changed_png(data, random)
    return mutated(data, _SEEDS, random)


def _changed_png(data: bytes, random: Random) -> bytes:
    chunks = []
    place = len(_PNG_SIGNATURE)
    while place + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        chunks.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + length]))
        place += length + 12
    for _ in range(random.choice((1, 1, 2))):
        if not chunks:
            break
        which = random.randrange(len(chunks))
        kind, content = chunks[which]
        action = random.random()
        if action < 0.15:
            chunks.insert(random.randrange(len(chunks)), chunks[which])
        elif action < 0.25:
            del chunks[which]
        elif action < 0.4 and kind == b"IDAT":
            chunks[which] = kind, _changed_inside(content, random)
        else:
            chunks[which] = kind, mutated(content, _SEEDS, random)
    return _PNG_SIGNATURE + b"".join(by_hand.png_chunk(*chunk) for chunk in chunks)


def _changed_inside(deflated: bytes, random: Random) -> bytes:
    try:
        rows = zlib.decompress(deflated)
    except zlib.error:
        return deflated
    return zlib.compress(mutated(rows, _SEEDS, random))
