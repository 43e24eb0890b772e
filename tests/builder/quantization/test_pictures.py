from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from canvas import draw_canvas
from decode import decode_images
from PIL import Image
from resize import RESIZERS, resized_size

from builder.errors import BuildError
from builder.network import ModelConfig, load_config
from builder.quantization.pictures import MOST_PICTURES, find_pictures, network_inputs
from tests.builder.quantization.conftest import DEMO


def save_picture(path: Path) -> Path:
    Image.new("RGB", (8, 6), (9, 9, 9)).save(path)
    return path


def found_in(folder: Path) -> list[Path]:
    return find_pictures(folder, lambda line: None)


def test_a_picture_reaches_the_network_as_the_server_prepares_it_and_without_padding(
    demo_config: ModelConfig, demo_pictures: list[Path]
) -> None:
    for picture in demo_pictures[:8]:
        found = network_inputs(picture, demo_config)
        images = decode_images([picture.read_bytes()])
        size = resized_size(images[0].height, images[0].width, 288, 480)
        on_canvas = draw_canvas(images, [size], (480, 480), RESIZERS["pillow"])
        np.testing.assert_array_equal(found["canvas"], on_canvas[:, : size[0], : size[1]])
        np.testing.assert_array_equal(found["image_size"], [size])
        assert found["image_size"].dtype == np.int32


def test_what_is_passed_over_is_told_and_folders_are_gone_into_where_said(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    taken = [save_picture(tmp_path / name) for name in ("inner/a.png", "b.JPG", "c.jfif")]
    (tmp_path / "notes.txt").touch()
    lines: list[str] = []
    assert find_pictures(tmp_path, lines.append) == taken[1:]
    assert find_pictures(tmp_path, lines.append, recursive=True) == sorted(taken)
    assert lines == [
        f"passed over in {tmp_path}: 1 file (1 .txt) and 1 folder (--recursive goes into them)",
        f"passed over in {tmp_path}: 1 file (1 .txt)",
    ]


def test_a_picture_for_a_pyramid_is_padded_to_multiples_of_32(demo_pictures: list[Path]) -> None:
    config = load_config(DEMO / "mask_rcnn_R_50_FPN_shapes.yaml")
    padded = 0
    for picture in demo_pictures:
        found = network_inputs(picture, config)
        [[height, width]] = found["image_size"]
        canvas = found["canvas"][0]
        assert canvas.shape == (-(-height // 32) * 32, -(-width // 32) * 32, 3)
        assert not canvas[height:].any()
        assert not canvas[:, width:].any()
        padded += canvas.shape[:2] != (height, width)
    assert padded


def test_of_many_pictures_some_are_taken_from_all_over_the_folder(tmp_path: Path) -> None:
    for i in range(3 * MOST_PICTURES + 16):
        save_picture(tmp_path / f"{i:03}.png")
    numbers = [int(file.stem) for file in found_in(tmp_path)]
    assert len(numbers) == MOST_PICTURES
    assert set(np.diff(numbers)) == {3, 4}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, "cannot be read: No such file"),
        (lambda folder: folder.mkdir(), "there is no picture in it, but nothing at all; "),
        (
            lambda folder: [folder.mkdir(), (folder / "a.txt").touch()],
            r"there is no picture in it, but 1 file \(1 \.txt\); expected some dozens",
        ),
    ],
)
def test_a_folder_without_pictures_is_refused(tmp_path: Path, make: object, message: str) -> None:
    folder = tmp_path / "pictures"
    make(folder)  # type: ignore[operator]
    with pytest.raises(BuildError, match=f"^--calibration: {folder}: {message}"):
        found_in(folder)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"GIF and nothing more", "are no picture that can be read"),
        (b"cut", "cannot be decoded"),
    ],
)
def test_a_damaged_picture_is_named_before_anything_is_computed(
    tmp_path: Path, demo_pictures: list[Path], content: bytes, reason: str
) -> None:
    save_picture(tmp_path / "good.png")
    if content == b"cut":
        content = demo_pictures[0].read_bytes()[:2000]
    (tmp_path / "bad.jpg").write_bytes(content)
    with pytest.raises(BuildError) as error:
        found_in(tmp_path)
    first, second = str(error.value).splitlines()
    assert first == "--calibration: 1 of 2 pictures cannot be read; mend or remove them:"
    assert second.startswith(f"  {tmp_path / 'bad.jpg'}: ")
    assert reason in second


def test_of_many_damaged_pictures_the_first_are_named(tmp_path: Path) -> None:
    for i in range(12):
        (tmp_path / f"{i:02}.jpg").write_bytes(b"?")
    with pytest.raises(BuildError) as error:
        found_in(tmp_path)
    lines = str(error.value).splitlines()
    assert len(lines) == 12
    assert "12 of 12 pictures" in lines[0]
    assert "09.jpg" in lines[10]
    assert lines[11] == "  and 2 more"
