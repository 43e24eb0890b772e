from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from artifact.picture_formats import (
    BEGINNING_BYTES,
    FORMATS,
    SUFFIXES,
    begins_like_a_picture,
    has_picture_suffix,
)
from tests.hostile_inputs.refused import NOT_PICTURES
from tests.hostile_inputs.served import SERVED


def test_the_suffixes_are_those_that_pillow_knows_for_the_formats() -> None:
    known = {
        # Of the same bytes, but for more pictures behind the first.
        suffix: "JPEG" if name == "MPO" else name
        for suffix, name in Image.registered_extensions().items()
        if name in (*FORMATS, "MPO")
    }
    assert {suffix: name for name, each in SUFFIXES.items() for suffix in each} == known


@pytest.mark.parametrize("suffix", [suffix for each in SUFFIXES.values() for suffix in each])
def test_pillow_reads_what_it_writes_with_each_suffix_in_one_of_the_formats(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"picture{suffix.upper()}"
    Image.new("F" if suffix == ".pfm" else "L", (4, 3)).save(path)
    assert Image.open(path, formats=FORMATS).size == (4, 3)
    assert begins_like_a_picture(path.read_bytes()[:BEGINNING_BYTES])
    assert has_picture_suffix(path.name)


@pytest.mark.parametrize("name", SERVED)
def test_whatever_is_served_begins_like_a_picture(name: str) -> None:
    assert begins_like_a_picture(SERVED[name][:BEGINNING_BYTES])


@pytest.mark.parametrize(
    "content",
    [
        *(
            pytest.param(data, id=name)
            for name, (data, _) in NOT_PICTURES.items()
            if "behind" not in name
        ),
        b"BOM",
        b"P7",
        b"PK\3\4",
        b"RIFF\0\0\0\0WAVE",
        b"GIF and nothing more",
        b"II and nothing more",
    ],
)
def test_what_is_of_another_format_does_not(content: bytes) -> None:
    assert not begins_like_a_picture(content[:BEGINNING_BYTES])


@pytest.mark.parametrize("name", ["jpg", "x.jpg.txt", "x.heic", "x.eps", "x.jpg~", "x", ""])
def test_other_names_have_no_suffix_of_a_picture(name: str) -> None:
    assert not has_picture_suffix(name)
