from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import decode
import numpy as np
import numpy.typing as npt
import pytest
from decode import MAX_PIXELS, DecodeError, decode_image, decode_images
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from artifact.picture_formats import FORMATS

PICTURES = sorted((Path(__file__).resolve().parents[2] / "demo/val/images").glob("*.jpg"))

UPRIGHT = np.random.default_rng(0).integers(0, 256, (5, 8, 3), np.uint8)

STORED_FOR_ORIENTATION = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: a.transpose(1, 0, 2)[::-1],
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: a.transpose(1, 0, 2)[:, ::-1],
}


def encode(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def photo(height: int = 60, width: int = 90) -> Image.Image:
    """Smooth colours with some noise: compresses like a photograph."""
    rng = np.random.default_rng(1)
    coarse = Image.fromarray(rng.integers(0, 256, (4, 6, 3), np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.float32)
    return Image.fromarray(np.clip(smooth + rng.normal(0, 5, smooth.shape), 0, 255).astype("u1"))


def declared_png(height: int, width: int) -> bytes:
    """A PNG of a few bytes whose header declares any size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


def sixteen_bit_grey() -> bytes:
    ramp = np.linspace(0, 65535, 60 * 90).astype(np.uint16).reshape(60, 90)
    return encode(Image.fromarray(ramp), "PNG")


def animation() -> bytes:
    frames = [Image.new("RGB", (30, 20), colour) for colour in ("red", "blue")]
    return encode(frames[0], "GIF", save_all=True, append_images=frames[1:])


def with_alpha() -> Image.Image:
    image = photo().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


PICTURES_OF_EVERY_KIND = {
    "jpeg 4:4:4": encode(photo(), "JPEG", subsampling=0),
    "jpeg 4:2:0": encode(photo(), "JPEG", subsampling=2),
    "jpeg progressive": encode(photo(), "JPEG", progressive=True),
    "jpeg grey": encode(photo().convert("L"), "JPEG"),
    "jpeg cmyk": encode(photo().convert("CMYK"), "JPEG"),
    "png 16-bit grey": sixteen_bit_grey(),
    "png alpha": encode(with_alpha(), "PNG"),
    "png grey alpha": encode(with_alpha().convert("LA"), "PNG"),
    "png palette": encode(photo().convert("P"), "PNG"),
    "png palette with transparency": encode(photo().convert("P"), "PNG", transparency=3),
    "png black and white": encode(photo().convert("1"), "PNG"),
    "gif animation": animation(),
    "webp": encode(photo(), "WEBP"),
    "bmp": encode(photo(), "BMP"),
    "tiff": encode(photo(), "TIFF"),
    "ppm": encode(photo(), "PPM"),
    "1x1": encode(photo(1, 1), "PNG"),
    "1x20000": encode(Image.new("RGB", (20000, 1), "teal"), "PNG"),
    "20000x1": encode(Image.new("RGB", (1, 20000), "teal"), "PNG"),
}


def pixels(data: bytes) -> npt.NDArray[np.uint8]:
    image = decode_image(data)
    assert image.mode == "RGB"
    return np.asarray(image)


@pytest.mark.parametrize("data", PICTURES_OF_EVERY_KIND.values(), ids=PICTURES_OF_EVERY_KIND)
def test_every_kind_of_picture_has_the_pixels_that_pillow_converts_to_rgb(data: bytes) -> None:
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    np.testing.assert_array_equal(pixels(data), expected)


@pytest.mark.parametrize("orientation", STORED_FOR_ORIENTATION)
@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_undone(orientation: int, file_format: str) -> None:
    stored = Image.fromarray(np.ascontiguousarray(STORED_FOR_ORIENTATION[orientation](UPRIGHT)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if file_format == "WEBP" else {}
    np.testing.assert_array_equal(
        pixels(encode(stored, file_format, exif=exif, **options)), UPRIGHT
    )


@pytest.mark.parametrize("orientation", range(10))
def test_a_jpeg_is_turned_as_pillow_turns_it_and_unknown_orientations_are_left(
    orientation: int,
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(photo(), "JPEG", exif=exif)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    np.testing.assert_array_equal(pixels(data), np.asarray(expected))


def test_a_picture_with_unreadable_metadata_is_decoded_as_it_lies() -> None:
    metadata = PngInfo()
    metadata.add_text("Raw profile type exif", "\nexif\n   4\nnot hexadecimal")
    data = encode(photo(), "PNG", pnginfo=metadata)
    with pytest.raises(ValueError, match="fromhex"):
        Image.open(io.BytesIO(data)).getexif()
    np.testing.assert_array_equal(pixels(data), np.asarray(photo()))


JPEG = encode(photo(), "JPEG")
PNG = encode(photo(), "PNG")
HOSTILE = {
    "empty": (b"", "it is empty (0 bytes)"),
    "one byte": (b"\xff", "no picture that can be read"),
    "text": (b"hello, world", r"begin with b'hello, w', are no picture that can be read"),
    "zeros": (bytes(1000), "no picture that can be read"),
    "random": (np.random.default_rng(2).bytes(5000), "no picture that can be read"),
    "jpeg's first bytes": (JPEG[:20], "no picture that can be read"),
    "jpeg cut in half": (JPEG[: len(JPEG) // 2], "begins as a JPEG of 90x60 pixels"),
    "jpeg without its end": (JPEG[:-200], "damaged or cut off"),
    "png cut in half": (PNG[: len(PNG) // 2], "begins as a PNG of 90x60 pixels"),
    "png with damaged data": (PNG[:60] + b"\xff" * 50 + PNG[110:], "damaged or cut off"),
    "png with too little data": (declared_png(60, 90), "begins as a PNG of 90x60 pixels"),
    "png of no width": (declared_png(60, 0), "no picture that can be read"),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no picture that can be read"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture that can be read"),
    "bomb": (declared_png(50_000, 50_000), "it declares too many pixels"),
    "small bomb": (declared_png(9460, 9460), "it declares 9460x9460 pixels, more than"),
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(("data", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_not_a_picture_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(DecodeError) as error:
        decode_image(data)
    assert reason in str(error.value)


def test_the_largest_picture_accepted_is_below_pillows_own_limit() -> None:
    assert Image.MAX_IMAGE_PIXELS is not None
    assert MAX_PIXELS <= Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("cut", range(0, len(JPEG), len(JPEG) // 40))
def test_a_cut_off_jpeg_is_refused_wherever_it_is_cut(cut: int) -> None:
    with pytest.raises(DecodeError):
        decode_image(JPEG[:cut])


def test_a_bad_picture_of_a_batch_is_named_by_its_place_with_what_is_expected() -> None:
    with pytest.raises(DecodeError) as error:
        decode_images([JPEG, PNG, b"", b"text"])
    message = str(error.value)
    assert "image 2 of the request (counted from 0, of 4): it is empty" in message
    assert all(file_format in message for file_format in FORMATS)


def test_a_request_of_too_many_pixels_is_refused_at_the_picture_that_is_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decode, "MAX_REQUEST_PIXELS", 2 * 90 * 60)
    assert len(decode_images([JPEG, PNG])) == 2
    with pytest.raises(DecodeError, match=r"image 2 of .* 16200 pixels, more than the 10800"):
        decode_images([JPEG, PNG, JPEG])


def test_the_pictures_of_a_batch_keep_their_order() -> None:
    sizes = [image.size for image in decode_images([PICTURES[0].read_bytes(), PNG])]
    assert sizes == [Image.open(PICTURES[0]).size, (90, 60)]
