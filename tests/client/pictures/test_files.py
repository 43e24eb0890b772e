"""Picture files: sizes and pixels the right way up, and files that are none."""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import ExifTags, Image

from client.errors import ClientError, PictureError
from client.pictures.files import decode, find_pictures, oriented_size, read_picture
from tests.permissions import bound_by_permissions


def encoded(
    mode: str = "RGB", size: tuple[int, int] = (40, 30), kind: str = "PNG", orientation: int = 1
) -> bytes:
    picture = Image.new(mode, size)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    buffer = io.BytesIO()
    picture.save(buffer, kind, exif=exif)
    return buffer.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_size_and_pixels_have_the_exif_orientation_applied(orientation: int) -> None:
    content = encoded(kind="JPEG", orientation=orientation)
    expected = (30, 40) if orientation <= 4 else (40, 30)

    assert oriented_size(content) == expected
    assert np.asarray(decode(content)).shape == (*expected, 3)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"])
def test_every_kind_of_pixels_becomes_rgb(mode: str) -> None:
    picture = decode(encoded(mode, kind="TIFF" if mode == "CMYK" else "PNG"))

    assert (picture.mode, picture.size) == ("RGB", (40, 30))


@pytest.mark.parametrize(
    "content",
    [b"", b"not a picture", b"\xff\xd8\xff", encoded()[:20], b"\x89PNG\r\n\x1a\n" + b"\0" * 40],
    ids=["empty", "text", "start of JPEG", "start of PNG", "PNG of zeros"],
)
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(PictureError):
        oriented_size(content)
    with pytest.raises(PictureError):
        decode(content)


def test_a_truncated_picture_has_a_size_but_no_pixels() -> None:
    content = encoded(size=(400, 300), kind="JPEG")[:-200]

    assert oriented_size(content) == (300, 400)
    with pytest.raises(PictureError, match=r"cannot decode it: .*truncated"):
        decode(content)


def test_a_picture_that_would_fill_the_memory_is_refused_from_its_header() -> None:
    # IHDR of a PNG: width and height are bytes 16 to 24; its checksum follows the next five.
    import struct
    import zlib

    content = bytearray(encoded())
    content[16:24] = struct.pack(">II", 50000, 50000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))

    with pytest.raises(PictureError, match="exceeds limit"):
        oriented_size(bytes(content))


def test_unreadable_and_empty_files_are_told(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").write_bytes(b"")

    with pytest.raises(PictureError, match="the file is empty"):
        read_picture(tmp_path / "empty.jpg")
    with pytest.raises(PictureError, match="No such file"):
        read_picture(tmp_path / "absent.jpg")


def test_folders_give_their_pictures_by_name_and_files_come_once(tmp_path: Path) -> None:
    for name in ("b.jpg", "a.PNG", "notes.txt", "inner/c.gif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    paths = [tmp_path / "notes.txt", tmp_path, tmp_path / "b.jpg"]

    assert list(map(str, find_pictures(paths).values())) == ["notes.txt", "a.PNG", "b.jpg"]
    everything = find_pictures(paths, recursive=True)
    assert everything == {
        tmp_path / name: Path(name) for name in ("notes.txt", "a.PNG", "b.jpg", "inner/c.gif")
    }
    assert find_pictures(paths, recursive=True, leave_out=tmp_path / "inner") == find_pictures(
        paths
    )


def test_what_is_passed_over_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("a.jpg", "._a.jpg", "notes.txt"):
        (tmp_path / name).touch()

    find_pictures([tmp_path])

    [record] = caplog.records
    assert record.getMessage() == f"passed over in {tmp_path}: 2 files (1 hidden, 1 .txt)"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_name_is_found_however_its_letters_are_composed(
    tmp_path: Path, form: Literal["NFC", "NFD"]
) -> None:
    written = tmp_path / unicodedata.normalize(form, "año") / unicodedata.normalize(form, "é.jpg")
    written.parent.mkdir()
    written.touch()

    for typed in ("NFC", "NFD"):
        assert list(find_pictures([tmp_path / unicodedata.normalize(typed, "año/é.jpg")])) == [
            written
        ]


def test_of_two_names_that_look_the_same_the_one_that_was_typed_is_taken(tmp_path: Path) -> None:
    typed, other = (tmp_path / unicodedata.normalize(form, "é.jpg") for form in ("NFD", "NFC"))
    typed.touch()
    other.touch()

    assert list(find_pictures([typed])) == [typed]


def test_missing_paths_and_empty_folders_are_named(tmp_path: Path) -> None:
    (tmp_path / "c.jpg").symlink_to("nowhere")
    with pytest.raises(ClientError, match=r"no such file or folder: .*a\.jpg, .*b\.jpg, .*c\.jpg"):
        find_pictures([tmp_path / name for name in ("a.jpg", ".", "b.jpg", "c.jpg")])
    with pytest.raises(ClientError, match=r"no pictures in .*; there are 1 file \(1 neither"):
        find_pictures([tmp_path])


@pytest.mark.parametrize("name", ["x" * 256 + ".jpg", "file/x.jpg"])
def test_a_path_that_cannot_be_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ClientError, match=r"cannot read .*: (File name too long|Not a directory)"):
        find_pictures([tmp_path / name])


def test_a_folder_that_may_not_be_entered_is_told(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir(mode=0)
    with bound_by_permissions():
        with pytest.raises(ClientError, match=f"cannot read {inner}: Permission denied"):
            find_pictures([tmp_path], recursive=True)
        with pytest.raises(ClientError, match=f"cannot read {inner / 'x.jpg'}: Permission denied"):
            find_pictures([inner / "x.jpg"])
