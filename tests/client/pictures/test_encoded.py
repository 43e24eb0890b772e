"""Whatever a picture is given as, the server sees the same pixels."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from client.errors import PictureError
from client.pictures.encoded import EncodedPicture
from client.pictures.files import decode

RGB = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)


def png(**options: object) -> bytes:
    content = io.BytesIO()
    Image.fromarray(RGB).save(content, "PNG", **options)
    return content.getvalue()


def on_its_side() -> Image.Image:
    """`RGB`, which its orientation tag turns upright."""
    image = Image.fromarray(RGB).transpose(Image.Transpose.ROTATE_90)
    image.getexif()[ExifTags.Base.Orientation] = 6
    return image


GIVEN: dict[str, Callable[[Path], EncodedPicture]] = {
    "a path": lambda path: EncodedPicture.of(path),
    "a path in text": lambda path: EncodedPicture.of(str(path)),
    "bytes": lambda path: EncodedPicture.of(path.read_bytes()),
    "an array in RGB": lambda path: EncodedPicture.of(RGB, "rgb"),
    "an array in BGR": lambda path: EncodedPicture.of(RGB[..., ::-1], "bgr"),
    "a part of a larger array": lambda path: EncodedPicture.of(
        np.pad(RGB, ((1, 1), (2, 2), (0, 0)))[1:-1, 2:-2], "rgb"
    ),
    "a Pillow image": lambda path: EncodedPicture.of(Image.fromarray(RGB)),
    "a Pillow image of a file": lambda path: EncodedPicture.of(Image.open(path)),
    "a Pillow image on its side": lambda path: EncodedPicture.of(on_its_side()),
}


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_the_pixels_are_sent_as_they_are(
    given: Callable[[Path], EncodedPicture], tmp_path: Path
) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(png())

    picture = given(path)

    assert (picture.width, picture.height) == (7, 5)
    assert np.array_equal(np.asarray(decode(picture.content)), RGB)


def test_files_and_bytes_are_not_encoded_again(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(png(compress_level=9))

    assert EncodedPicture.of(path).content == path.read_bytes()
    assert EncodedPicture.of(path).path == path
    assert EncodedPicture.of(bytearray(path.read_bytes())).content == path.read_bytes()


def test_a_grey_array_needs_no_channel_order() -> None:
    picture = EncodedPicture.of(RGB[..., 0])

    assert np.array_equal(np.asarray(picture.decode()), RGB[..., [0, 0, 0]])


@pytest.mark.parametrize("mode", ["RGBA", "P", "L", "CMYK", "1", "I;16", "F", "LA"])
def test_a_pillow_image_of_another_mode_is_sent_as_pillow_converts_it(mode: str) -> None:
    image = Image.new(mode, (7, 5)) if mode == "I;16" else Image.fromarray(RGB).convert(mode)

    picture = EncodedPicture.of(image)

    assert np.array_equal(np.asarray(picture.decode()), np.asarray(image.convert("RGB")))


REFUSED = {
    "no such file": (lambda: "no/such.jpg", "no/such.jpg: cannot read it: No such file"),
    "a folder": (lambda: Path(__file__).parent, "cannot read it: Is a directory"),
    "text": (lambda: b"no picture", "not a picture in "),
    "no bytes": (lambda: b"", "given as bytes, and there are none"),
    "floats": (lambda: RGB / 255, "has to be of uint8, 0 to 255; this is of float64"),
    "a batch": (lambda: RGB[None], r"the shape \[height, width, 3\].*\[1, 5, 7, 3\]"),
    "channels first": (lambda: RGB.transpose(2, 0, 1), r"this has \[3, 5, 7\]"),
    "no pixels": (lambda: RGB[:0], r"this has \[0, 7, 3\]"),
    "no channel order": (lambda: RGB, 'channel_order="bgr" as OpenCV reads'),
    "an empty Pillow image": (lambda: Image.new("RGB", (0, 5)), "0x5 has no pixels"),
    "a damaged Pillow image": (
        lambda: Image.open(io.BytesIO(png()[:-40])),
        "cannot decode the Pillow image",
    ),
    "none": (lambda: None, "of type NoneType"),
}


@pytest.mark.parametrize(("given", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_picture_is_refused(given: Callable[[], object], message: str) -> None:
    with pytest.raises(PictureError, match=message):
        EncodedPicture.of(given())  # type: ignore[arg-type]


def test_threads_that_read_tiffs_leave_stderr_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    """libtiff writes past Python, so stderr is put away meanwhile, for all threads."""
    content = io.BytesIO()
    Image.fromarray(RGB).save(content, "TIFF", compression="tiff_deflate")
    threads = [
        threading.Thread(target=lambda: [decode(content.getvalue()) for _ in range(100)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.write(2, b"still here")

    assert capfd.readouterr().err == "still here"
