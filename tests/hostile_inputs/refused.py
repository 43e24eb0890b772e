"""Files that are refused: name, file, and words of the refusal."""

from __future__ import annotations

import base64
import gzip
import io
import os
import pickle
import struct
import zipfile
import zlib

import numpy as np

from tests.hostile_inputs import by_hand
from tests.hostile_inputs.by_hand import encoded
from tests.hostile_inputs.served import JPEG, PHOTO, PNG

NO_PICTURE = "are no picture that can be read, or are damaged near the start"
DAMAGED = "it is damaged or cut off"
TOO_LARGE = "it declares"

GIF = encoded(PHOTO, "GIF")
WEBP = encoded(PHOTO, "WEBP")
TIFF = encoded(PHOTO, "TIFF")
BMP = encoded(PHOTO, "BMP")
PPM = encoded(PHOTO, "PPM")


def _archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("picture.jpg", JPEG)
    return buffer.getvalue()


MARKER = f"/tmp/hostile_inputs_{os.getpid()}"
"""The file that a program in a picture would leave if it were run."""


class _Call:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {MARKER}",)


_RANDOM = np.random.default_rng(6).bytes(100_000)

Row = tuple[bytes, str]

NOT_PICTURES: dict[str, Row] = {
    "empty": (b"", "it is empty (0 bytes)"),
    "one byte": (b"\xff", NO_PICTURE),
    "zeros": (bytes(1000), NO_PICTURE),
    "random bytes": (_RANDOM, NO_PICTURE),
    "random bytes behind a jpeg's first": (b"\xff\xd8\xff\xe0" + _RANDOM, NO_PICTURE),
    "random bytes behind a png's first": (b"\x89PNG\r\n\x1a\n" + _RANDOM, NO_PICTURE),
    "text": (b"hello, world", NO_PICTURE),
    "html": (b"<!DOCTYPE html><html><img src=x onerror=alert(1)></html>", NO_PICTURE),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", NO_PICTURE),
    "xml entities that multiply": (
        b'<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><svg>&b;</svg>',
        NO_PICTURE,
    ),
    "pdf": (b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n%%EOF", NO_PICTURE),
    "eps, for which Pillow runs Ghostscript": (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"
        b"(" + MARKER.encode() + b") (w) file closefile\n%%EOF\n",
        NO_PICTURE,
    ),
    "postscript": (b"%!PS\n(/etc/passwd) (r) file\n", NO_PICTURE),
    "zip": (_archive(), NO_PICTURE),
    "gzip of a jpeg": (gzip.compress(JPEG), NO_PICTURE),
    "pickle that calls a program": (pickle.dumps(_Call()), NO_PICTURE),
    "program": (b"\x7fELF\x02\x01\x01" + bytes(60), NO_PICTURE),
    "base64 of a jpeg": (base64.b64encode(JPEG), NO_PICTURE),
    "address": (b"file:///etc/passwd", NO_PICTURE),
    "path": (b"/etc/hostname", NO_PICTURE),
    "video": (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(50), NO_PICTURE),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(50), NO_PICTURE),
    "jpeg 2000": (encoded(PHOTO, "JPEG2000"), NO_PICTURE),
    "icon": (encoded(PHOTO, "ICO", sizes=[(32, 32)]), NO_PICTURE),
    "tga": (encoded(PHOTO, "TGA"), NO_PICTURE),
    "pcx": (encoded(PHOTO, "PCX"), NO_PICTURE),
    "xbm": (encoded(PHOTO.convert("1"), "XBM"), NO_PICTURE),
}

TRUNCATED: dict[str, Row] = {
    **{
        f"jpeg, its first {length} of {len(JPEG)} bytes": (
            JPEG[:length],
            DAMAGED if length > JPEG.index(b"\xff\xda") + 20 else NO_PICTURE,
        )
        for length in (2, 4, 20, 200, len(JPEG) // 2, len(JPEG) - 200, len(JPEG) - 30)
    },
    **{
        f"png, its first {length} of {len(PNG)} bytes": (
            PNG[:length],
            NO_PICTURE if length < 33 else DAMAGED,
        )
        for length in (8, 20, 41, 50, len(PNG) // 2, len(PNG) - 100)
    },
    "gif, half": (GIF[: len(GIF) // 2], DAMAGED),
    "webp, half": (WEBP[: len(WEBP) // 2], NO_PICTURE),
    "tiff, half": (TIFF[: len(TIFF) // 2], DAMAGED),
    "bmp, half": (BMP[: len(BMP) // 2], DAMAGED),
    "ppm, half": (PPM[: len(PPM) // 2], DAMAGED),
}

DAMAGED_PICTURES: dict[str, Row] = {
    "png, wrong checksum of its header": (PNG[:29] + b"\0\0\0\0" + PNG[33:], NO_PICTURE),
    "png, header of 2 GB": (PNG[:8] + struct.pack(">I", 2**31 - 1) + PNG[12:], NO_PICTURE),
    "png, data that is not deflated": (
        b"\x89PNG\r\n\x1a\n"
        + by_hand.png_chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 2, 0, 0, 0))
        + by_hand.png_chunk(b"IDAT", bytes(200))
        + by_hand.png_chunk(b"IEND", b""),
        DAMAGED,
    ),
    "png, no width": (by_hand.png(0, 60, b""), NO_PICTURE),
    "png, 3 bits a channel": (by_hand.png(9, 9, bytes(300), bits=3), NO_PICTURE),
    "jpeg, of 12 bits": (JPEG.replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c"), NO_PICTURE),
    "jpeg, without tables": (
        b"\xff\xd8"
        + by_hand.jpeg_segment(0xC0, struct.pack(">BHHB", 8, 9, 9, 1) + b"\1\x11\0")
        + by_hand.jpeg_segment(0xDA, b"\1\1\0\0\x3f\0")
        + bytes(20)
        + b"\xff\xd9",
        DAMAGED,
    ),
    "tiff, strip behind its end": (by_hand.tiff(by_hand.grey_tiff_tags(8, 8, 64)), DAMAGED),
    "tiff, samples that nothing holds": (
        by_hand.tiff(by_hand.grey_tiff_tags(8, 8, 64) | {277: (3, 1, 60_000)}, bytes(64)),
        NO_PICTURE,
    ),
}


def _text_bomb(kind: bytes, header: bytes) -> bytes:
    content = header + zlib.compress(bytes(50_000_000), 9)
    return by_hand.with_png_chunks(PNG, by_hand.png_chunk(kind, content))


BOMBS: dict[str, Row] = {
    "png": (by_hand.png(50_000, 50_000, b"\0" * 100), TOO_LARGE),
    "png, one row": (by_hand.png(2**31 - 1, 1, b"\0" * 100), TOO_LARGE),
    "png, a little above the limit": (
        by_hand.png(9460, 9460, b"\0" * 100),
        "it declares 9460x9460 pixels, more than the 89478485 that are accepted",
    ),
    "gif": (by_hand.gif(50_000, 50_000), TOO_LARGE),
    "tiff": (by_hand.tiff(by_hand.grey_tiff_tags(50_000, 50_000, 64), bytes(64)), TOO_LARGE),
    "bmp": (by_hand.bmp(50_000, 50_000, bytes(64)), TOO_LARGE),
    "bmp, run lengths": (
        by_hand.bmp(50_000, 50_000, b"\0\2\xff\xff" * 10, bits=8, compression=1),
        TOO_LARGE,
    ),
    "ppm": (b"P6 50000 50000 255 " + bytes(64), TOO_LARGE),
    "jpeg": (
        b"\xff\xd8"
        + by_hand.jpeg_segment(0xC0, struct.pack(">BHHB", 8, 50_000, 50_000, 1) + b"\1\x11\0")
        + by_hand.jpeg_segment(0xDA, b"\1\1\0\0\x3f\0")
        + bytes(20),
        TOO_LARGE,
    ),
    "webp": (by_hand.webp_lossless(16_383, 16_383), TOO_LARGE),
    "jpeg of 10000 scans": (
        by_hand.jpeg_of_scans(9000, 10_000),
        "it is a JPEG of more scans than the 100 that are accepted",
    ),
    "png, text that inflates to 50 MB": (_text_bomb(b"zTXt", b"Comment\0\0"), NO_PICTURE),
}
"""Small files that declare 50,000 × 50,000 pixels, or would take as long to decode."""

REFUSED: dict[str, Row] = {
    **NOT_PICTURES,
    **TRUNCATED,
    **{f"damaged {name}": row for name, row in DAMAGED_PICTURES.items()},
    **{f"bomb: {name}": row for name, row in BOMBS.items()},
}
