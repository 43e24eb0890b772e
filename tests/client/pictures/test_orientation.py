"""Which way up pictures are: the same for client, server and detectron2, and from the header."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import numpy.typing as npt
import pytest
from decode import DecodeError, decode_image
from PIL import ExifTags, Image, ImageFile, ImageOps

from artifact.picture_formats import FORMATS
from client.errors import PictureError
from client.pictures.files import decode, oriented_size
from tests.hostile_inputs import by_hand
from tests.hostile_inputs.by_hand import encoded

SHORT, ASCII, LONG, FLOAT = 3, 2, 4, 11
ORIENTATION, XMP_TAG = 0x0112, 700
(SIX_AS_A_FRACTION,) = struct.unpack("<I", struct.pack("<f", 6.0))
TO_BE_TURNED = (SHORT, 1, 6)
"""The entry of a tag, as `by_hand.tiff` takes it."""

PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8))
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf tiff:Orientation="6"/></x:xmpmeta>'
RAW_PROFILE = "Raw profile type exif"


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = orientation
    return tags


def jpeg_with(entry: tuple[int, int, int]) -> bytes:
    content = b"Exif\0\0" + by_hand.tiff({ORIENTATION: entry})
    return by_hand.with_jpeg_segments(encoded(PICTURE, "JPEG"), by_hand.jpeg_segment(0xE1, content))


def png_with(kind: bytes, content: bytes, *, behind_the_pixels: bool) -> bytes:
    data, chunk = encoded(PICTURE, "PNG"), by_hand.png_chunk(kind, content)
    if behind_the_pixels:
        end = data.index(b"IEND") - 4
        return data[:end] + chunk + data[end:]
    return by_hand.with_png_chunks(data, chunk)


def tiff_of_pages(*orientations: int) -> bytes:
    pages = [PICTURE.copy() for _ in orientations]
    for page, orientation in zip(pages, orientations, strict=True):
        page.encoderinfo = {"tiffinfo": {ORIENTATION: orientation}}
    return encoded(
        pages[0],
        "TIFF",
        save_all=True,
        append_images=pages[1:],
        tiffinfo={ORIENTATION: orientations[0]},
    )


def animated_png() -> bytes:
    """Of its metadata, some lie behind the pixels of the first frame and some behind the last."""
    frames = [PICTURE, Image.new("RGB", PICTURE.size, "red")]
    data = encoded(frames[0], "PNG", save_all=True, append_images=frames[1:])
    end = data.index(b"IEND") - 4
    return data[:end] + by_hand.png_chunk(b"eXIf", EXIF_BLOCK) + data[end:]


EXIF_BLOCK = by_hand.tiff({ORIENTATION: TO_BE_TURNED})
RAW_EXIF = f"{RAW_PROFILE}\0\nexif\n{len(EXIF_BLOCK):8}\n{EXIF_BLOCK.hex()}\n".encode()
ITXT = b"XML:com.adobe.xmp\0\0\0\0\0" + XMP
WITH_CHECKSUM_OF_ZERO = png_with(b"eXIf", EXIF_BLOCK, behind_the_pixels=True)
WITH_CHECKSUM_OF_ZERO = WITH_CHECKSUM_OF_ZERO[:-16] + bytes(4) + WITH_CHECKSUM_OF_ZERO[-12:]

TURNED: dict[str, bytes] = {
    **{
        f"{name}, {orientation}": encoded(PICTURE, name, exif=exif(orientation))
        for name in ("JPEG", "PNG", "TIFF", "WEBP")
        for orientation in (5, 6, 7, 8)
    },
    "jpeg, several in one file": encoded(
        PICTURE, "MPO", save_all=True, append_images=[PICTURE], exif=exif(6)
    ),
    "jpeg, orientation of 4 bytes": jpeg_with((LONG, 1, 6)),
    "jpeg, orientation that is a fraction": jpeg_with((FLOAT, 1, SIX_AS_A_FRACTION)),
    "jpeg, orientation of two values": jpeg_with((SHORT, 2, 6)),
    "jpeg, in XMP alone": encoded(PICTURE, "JPEG", xmp=XMP),
    "webp, in XMP alone": encoded(PICTURE, "WEBP", xmp=XMP),
    "tiff, in XMP alone": encoded(PICTURE, "TIFF", tiffinfo={XMP_TAG: XMP}),
    "tiff, big": encoded(PICTURE, "TIFF", big_tiff=True, exif=exif(6)),
    "tiff, lzw": encoded(PICTURE, "TIFF", compression="tiff_lzw", exif=exif(6)),
    "tiff, jpeg inside": encoded(PICTURE, "TIFF", compression="jpeg", exif=exif(6)),
    "tiff, first of two pages": tiff_of_pages(6, 1),
    "png, exif behind the pixels": png_with(b"eXIf", EXIF_BLOCK, behind_the_pixels=True),
    "png, exif of a wrong checksum behind the pixels": WITH_CHECKSUM_OF_ZERO,
    "png, text like exif": png_with(b"tEXt", RAW_EXIF, behind_the_pixels=False),
    "png, text like exif behind the pixels": png_with(b"tEXt", RAW_EXIF, behind_the_pixels=True),
    "png, XMP": png_with(b"iTXt", ITXT, behind_the_pixels=False),
    "png, XMP behind the pixels": png_with(b"iTXt", ITXT, behind_the_pixels=True),
    **{
        f"png, {mode}": encoded(PICTURE.convert(mode), "PNG", exif=exif(6))
        for mode in ("1", "L", "LA", "P", "RGBA")
    },
    "png, palette with transparency": encoded(
        PICTURE.convert("P"), "PNG", transparency=3, exif=exif(6)
    ),
    "png, 16 bits": encoded(PICTURE.convert("L").convert("I;16"), "PNG", exif=exif(6)),
    "jpeg, cmyk": encoded(PICTURE.convert("CMYK"), "JPEG", exif=exif(6)),
    "tiff, cmyk": encoded(PICTURE.convert("CMYK"), "TIFF", exif=exif(6)),
    "png, animated": encoded(
        PICTURE, "PNG", save_all=True, append_images=[PICTURE.rotate(180)], exif=exif(6)
    ),
}  # fmt: skip
"""Pictures of 40x30 that are 30x40 once they are upright."""

AS_THEY_LIE: dict[str, bytes] = {
    **{
        f"{name}, {orientation}": encoded(PICTURE, name, exif=exif(orientation))
        for name in ("JPEG", "PNG", "TIFF", "WEBP")
        for orientation in (0, 1, 2, 3, 4, 9, 65535)
    },
    **{name: encoded(PICTURE, name) for name in FORMATS},
    "jpeg, orientation that is a word": jpeg_with((ASCII, 2, int.from_bytes(b"6\0", "little"))),
    "jpeg, orientation of no value": jpeg_with((SHORT, 0, 6)),
    "jpeg, exif cut off": by_hand.with_jpeg_segments(
        encoded(PICTURE, "JPEG"), by_hand.jpeg_segment(0xE1, b"Exif\0\0" + EXIF_BLOCK[:14])
    ),
    "tiff, first of two pages": tiff_of_pages(1, 6),
    "png, exif that is none": png_with(b"eXIf", b"no such thing", behind_the_pixels=False),
    "png, exif that is none behind the pixels": png_with(b"eXIf", b"?", behind_the_pixels=True),
    "png, empty exif before a good one": by_hand.with_png_chunks(
        png_with(b"eXIf", EXIF_BLOCK, behind_the_pixels=True), by_hand.png_chunk(b"eXIf", b"")
    ),
    "png, text like exif that is none": png_with(
        b"tEXt", f"{RAW_PROFILE}\0\nexif\n   4\nnot hexadecimal".encode(), behind_the_pixels=True
    ),
    "png, exif behind the last frame": animated_png(),
}  # fmt: skip

EVERYTHING = {**{f"turned: {name}": data for name, data in TURNED.items()}, **AS_THEY_LIE}


def as_detectron2_reads_it(data: bytes) -> npt.NDArray[np.uint8]:
    """`read_image(file, "RGB")` of detectron2 0.6, which turns as Pillow's own function does."""
    image = Image.open(io.BytesIO(data))
    try:
        image.getexif()
    except Exception:
        return np.asarray(image.convert("RGB"))
    return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


@pytest.mark.parametrize("name", TURNED)
def test_a_picture_on_its_side_has_the_size_and_pixels_that_it_has_upright(name: str) -> None:
    assert oriented_size(TURNED[name]) == (40, 30)
    assert decode(TURNED[name]).size == (30, 40)


@pytest.mark.parametrize("name", AS_THEY_LIE)
def test_a_picture_that_is_not_said_to_be_on_its_side_keeps_its_size(name: str) -> None:
    assert oriented_size(AS_THEY_LIE[name]) == (30, 40)
    assert decode(AS_THEY_LIE[name]).size == (40, 30)


@pytest.mark.parametrize("name", EVERYTHING)
def test_client_and_server_have_the_same_pixels(name: str) -> None:
    served = np.asarray(decode_image(EVERYTHING[name]))
    np.testing.assert_array_equal(np.asarray(decode(EVERYTHING[name])), served)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in EVERYTHING if "tiff" not in name.lower()])
def test_the_pixels_are_those_of_detectron2(name: str) -> None:
    expected = as_detectron2_reads_it(EVERYTHING[name])
    np.testing.assert_array_equal(np.asarray(decode(EVERYTHING[name])), expected)


@pytest.mark.parametrize("orientation", range(10))
def test_a_tiff_has_the_pixels_of_the_same_picture_in_png(orientation: int) -> None:
    # detectron2 turns it twice, because Pillow has done so before.
    tiff, png = (encoded(PICTURE, name, exif=exif(orientation)) for name in ("TIFF", "PNG"))
    np.testing.assert_array_equal(np.asarray(decode(tiff)), np.asarray(decode(png)))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", EVERYTHING)
def test_no_pixels_are_decoded_for_a_size(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Image.open(io.BytesIO(EVERYTHING[name])) as picture:
        classes = [each for each in type(picture).__mro__ if "load" in vars(each)]
    decoded: list[type] = []

    def noted(each: type) -> Callable[..., None]:
        return lambda self: decoded.append(each)

    assert ImageFile.ImageFile in classes
    for each in classes:
        monkeypatch.setattr(each, "load", noted(each))
    oriented_size(EVERYTHING[name])
    assert not decoded


NOISY: dict[str, bytes] = {
    "larger than Pillow finds safe": by_hand.png(9460, 9460, b""),
    "exif cut off": AS_THEY_LIE["jpeg, exif cut off"],
    "palette with transparency in bytes": encoded(
        PICTURE.convert("P"), "PNG", transparency=bytes(range(256))
    ),
    "animation of no frames": by_hand.with_png_chunks(
        encoded(PICTURE, "PNG"), by_hand.png_chunk(b"acTL", bytes(8))
    ),
    "more samples than there are": by_hand.tiff(
        by_hand.grey_tiff_tags(8, 8, 64) | {277: (SHORT, 1, 60_000)}, bytes(64)
    ),
    "tiff, jpeg without tables": by_hand.tiff(
        by_hand.grey_tiff_tags(8, 8, 64) | {259: (SHORT, 1, 7)}, bytes(64)
    ),
}
"""Pillow, or libtiff under it, has something to say about these."""


@pytest.mark.parametrize("name", NOISY)
@pytest.mark.parametrize("read", [oriented_size, decode, decode_image])
def test_what_pillow_finds_odd_does_not_reach_the_screen(
    read: Callable[[bytes], object],
    name: str,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with suppress(PictureError, DecodeError):
            read(NOISY[name])

    assert [told, caplog.records, *capfd.readouterr()] == [[], [], "", ""]


@pytest.mark.parametrize("name", NOISY)
def test_pillow_alone_has_something_to_say_about_them(
    name: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with suppress(Exception):
            picture = Image.open(io.BytesIO(NOISY[name]))
            picture.getexif()
            picture.convert("RGB")

    assert told or caplog.records or capfd.readouterr().err
