"""Pictures that look odd and are served: they are whole files of the formats that are accepted."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from PIL import Image

from tests.hostile_inputs import by_hand
from tests.hostile_inputs.by_hand import encoded

IMAGES = Path(__file__).resolve().parents[2] / "demo/val/images"
SQUARE = (IMAGES / "000003.jpg").read_bytes()
LANDSCAPE = (IMAGES / "000000.jpg").read_bytes()


def photo(height: int = 60, width: int = 90) -> Image.Image:
    """Smooth colours with some noise: compresses like a photograph."""
    rng = np.random.default_rng(1)
    coarse = Image.fromarray(rng.integers(0, 256, (4, 6, 3), np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.float32)
    return Image.fromarray(np.clip(smooth + rng.normal(0, 5, smooth.shape), 0, 255).astype("u1"))


PHOTO = photo()
JPEG = encoded(PHOTO, "JPEG")
PNG = encoded(PHOTO, "PNG")


def _with_alpha() -> Image.Image:
    image = PHOTO.convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


def _animation(file_format: str) -> bytes:
    frames = [Image.new("RGB", (30, 20), colour) for colour in ("red", "green", "blue")]
    return encoded(frames[0], file_format, save_all=True, append_images=frames[1:])


def _sixteen_bit_rgb() -> bytes:
    rows = np.random.default_rng(3).integers(0, 2**16, (60, 90 * 3), np.uint16).astype(">u2")
    return by_hand.png(90, 60, b"".join(b"\0" + row.tobytes() for row in rows), bits=16)


def _with_exif(content: bytes) -> bytes:
    return by_hand.with_jpeg_segments(JPEG, by_hand.jpeg_segment(0xE1, b"Exif\0\0" + content))


def _oriented(value: tuple[int, int, int]) -> bytes:
    return _with_exif(by_hand.tiff({0x0112: value}))


SERVED: dict[str, bytes] = {
    "1x1": encoded(photo(1, 1), "PNG"),
    "1 high, 20000 wide": encoded(Image.new("RGB", (20000, 1), "teal"), "PNG"),
    "20000 high, 1 wide": encoded(Image.new("RGB", (1, 20000), "teal"), "PNG"),
    "jpeg, grey": encoded(PHOTO.convert("L"), "JPEG"),
    "jpeg, cmyk": encoded(PHOTO.convert("CMYK"), "JPEG"),
    "jpeg, progressive": encoded(PHOTO, "JPEG", progressive=True),
    "jpeg, of as many scans as are accepted": by_hand.jpeg_of_scans(64, 100),
    "jpeg, a zip behind its end": JPEG + b"PK\x03\x04" + bytes(200),
    "jpeg, another jpeg behind its end": JPEG + JPEG,
    "jpeg, several pictures in one file (mpo)": encoded(
        PHOTO, "MPO", save_all=True, append_images=[PHOTO]
    ),
    "jpeg, orientation 0": _oriented((3, 1, 0)),
    "jpeg, orientation 9": _oriented((3, 1, 9)),
    "jpeg, orientation that is a word": _oriented((2, 4, int.from_bytes(b"six\0", "little"))),
    "jpeg, exif of random bytes": _with_exif(np.random.default_rng(4).bytes(500)),
    "jpeg, exif cut off": _with_exif(b"MM\0*\0\0\0\x08\0\xff"),
    "jpeg, exif directory that is its own successor": _with_exif(
        by_hand.tiff({0x0112: (3, 1, 6)}, next_ifd=8)
    ),
    "jpeg, exif tag of 4 GB": _with_exif(by_hand.tiff({0x010E: (2, 2**32 - 1, 8)})),
    "jpeg, colour profile of random bytes": encoded(
        PHOTO, "JPEG", icc_profile=np.random.default_rng(5).bytes(3000)
    ),
    "png, colour profile of random bytes": encoded(
        PHOTO, "PNG", icc_profile=np.random.default_rng(5).bytes(3000)
    ),
    "png, grey and alpha": encoded(_with_alpha().convert("LA"), "PNG"),
    "png, alpha": encoded(_with_alpha(), "PNG"),
    "png, black and white": encoded(PHOTO.convert("1"), "PNG"),
    "png, palette": encoded(PHOTO.convert("P"), "PNG"),
    "png, palette with transparency": encoded(PHOTO.convert("P"), "PNG", transparency=3),
    "png, palette shorter than its pixels": by_hand.png(
        4, 1, b"\0\0\1\2\xff", color_type=3, chunks=[by_hand.png_chunk(b"PLTE", b"\xff\0\0")]
    ),
    "png, 16-bit grey": encoded(
        Image.fromarray(np.linspace(0, 65535, 5400).astype(np.uint16).reshape(60, 90)), "PNG"
    ),
    "png, 16-bit colour": _sixteen_bit_rgb(),
    "png, unknown chunk": by_hand.with_png_chunks(PNG, by_hand.png_chunk(b"huGe", bytes(1000))),
    "gif, animated": _animation("GIF"),
    "png, animated": _animation("PNG"),
    "webp, animated": _animation("WEBP"),
    "tiff, several pages": _animation("TIFF"),
    "tiff, cmyk": encoded(PHOTO.convert("CMYK"), "TIFF"),
    "tiff, floating point": encoded(PHOTO.convert("F"), "TIFF"),
    "tiff, jpeg inside": encoded(PHOTO, "TIFF", compression="jpeg"),
    "tiff, directory that is its own successor": by_hand.tiff(
        by_hand.grey_tiff_tags(8, 8, 64), bytes(64), next_ifd=8
    ),
    "bmp, run lengths": by_hand.bmp(8, 8, b"\x08\x40\0\0" * 8 + b"\0\1", bits=8, compression=1),
    "ppm, in letters": b"P3 2 1 255 255 0 0 0 0 255\n",
}
"""Name and file. All but the square are small: a picture costs the same whatever its size."""

ORIENTED: dict[int, bytes] = {}
"""The landscape of the demo, stored so that each value of EXIF's orientation turns it upright."""

_STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}

with Image.open(IMAGES / "000000.jpg") as _upright:
    for _orientation, _transpose in _STORED.items():
        _exif = Image.Exif()
        _exif[0x0112] = _orientation
        _stored = _upright.convert("RGB")
        _stored = _stored if _transpose is None else _stored.transpose(_transpose)
        ORIENTED[_orientation] = encoded(_stored, "PNG", exif=_exif)


def in_bytes_tensor(*files: bytes) -> bytes:
    """The elements of a BYTES tensor as they travel: each behind its length in 4 bytes."""
    return b"".join(struct.pack("<I", len(data)) + data for data in files)
