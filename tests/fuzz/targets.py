"""What reads bytes of strangers, and what has to hold whatever they are."""

from __future__ import annotations

import codecs
import contextlib
import importlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import canvas
import decode
import numpy as np
import rle
from paste import PastedMask
from PIL import Image
from pycocotools import mask as mask_utils
from resize import resize_with_pillow, resized_size

from builder.errors import BuildError
from builder.network import ModelConfig, load_config
from builder.weights import load_weights
from client import rle as client_rle
from client.pictures.files import oriented_size
from tests.builder.weights.small_network import PARAMETERS, SHAPES, folded_tensors, write_wts
from tests.fuzz import pickles, pictures, torch_files, yamls
from tests.fuzz.guard import watched
from tests.fuzz.mutate import mutated


@dataclass(frozen=True)
class Target:
    """One reader."""

    seeds: Sequence[bytes]
    """Whole and valid."""
    changed: Callable[[bytes, Random], bytes]
    """Changes a seed, or what came of it."""
    run: Callable[[bytes], object]
    """Reads the bytes; raises if it breaks a promise."""


# What Python imports only when it meets certain text: `watched` takes an import for an attack.
importlib.import_module("unicodedata")
for _codec in ("cp437", "latin1", "raw_unicode_escape", "unicode_escape", "utf-16"):
    codecs.lookup(_codec)

_SCRATCH = tempfile.TemporaryDirectory(prefix="fuzz-")

_MOST_PIXELS = 1_000_000
"""Instead of 89 megapixels, which would take seconds and find no more."""


def read_picture(data: bytes) -> None:
    """A picture reaches the canvas at the size that the client reads from its header, or is refused
    by a `DecodeError`.
    """
    limits = decode.MAX_PIXELS, Image.MAX_IMAGE_PIXELS
    decode.MAX_PIXELS = Image.MAX_IMAGE_PIXELS = _MOST_PIXELS
    try:
        with watched(), contextlib.suppress(decode.DecodeError):
            (image,) = decode.decode_images([data])
            assert image.mode == "RGB"
            assert oriented_size(data) == (image.height, image.width)
            size = resized_size(image.height, image.width, 32, 64)
            canvas.draw_canvas([image], [size], (64, 64), resize_with_pillow)
    finally:
        decode.MAX_PIXELS, Image.MAX_IMAGE_PIXELS = limits


@contextlib.contextmanager
def _refused_in_short(path: Path, data: bytes) -> Iterator[None]:
    """Passes over a `BuildError` that names the file and is not much longer than its content."""
    try:
        yield
    except BuildError as error:
        message = str(error)
    else:
        return
    assert str(path) in message
    assert len(message) < 20_000 + 10 * len(data)


def _reader_of_weights(suffix: str) -> Callable[[bytes], None]:
    path = Path(_SCRATCH.name, f"model{suffix}")

    def read(data: bytes) -> None:
        """Weights are those of the network, or are refused by a `BuildError` of a short text."""
        path.write_bytes(data)
        with _refused_in_short(path, data), watched(path):
            weights = load_weights(path, PARAMETERS)
            assert {name: array.shape for name, array in weights.items()} == SHAPES

    return read


def read_config(data: bytes) -> None:
    """A configuration is one, or is refused by a `BuildError` of a short text.

    Its bases may be any files.
    """
    path = Path(_SCRATCH.name, "model.yaml")
    path.write_bytes(data)
    path.with_name("base.yaml").write_text("MODEL: {MASK_ON: True}")
    with _refused_in_short(path, data), watched(Path("/")):
        assert isinstance(load_config(path), ModelConfig)


def encode_mask(data: bytes) -> None:
    """The counts of a mask are those of pycocotools for its frame, which decode to that frame."""
    if len(data) < 6:
        return
    height, width = data[0] % 40 + 1, data[1] % 40 + 1
    y, x = data[2] % height, data[3] % width
    crop_height, crop_width = data[4] % (height - y) + 1, data[5] % (width - x) + 1
    bits = np.resize(np.unpackbits(np.frombuffer(data[6:] or b"\0", np.uint8)), (40, 40))
    columns = bits[:crop_width, :crop_height].astype(np.bool_)
    frame = np.zeros((height, width), np.uint8, order="F")
    frame[y : y + crop_height, x : x + crop_width] = columns.T
    counts = rle.compressed_rle(PastedMask(x, y, columns), height, width)
    assert counts == mask_utils.encode(frame)["counts"]
    decoded = mask_utils.decode({"size": [height, width], "counts": counts})
    np.testing.assert_array_equal(decoded, frame)


def decode_mask(data: bytes) -> None:
    """Counts from a server decode to the mask that has them, or to a `ValueError`."""
    if len(data) < 2:
        return
    height, width = data[0] + 1, data[1] + 1
    try:
        mask = client_rle.decode(data[2:], height, width)
    except ValueError:
        return
    expected = mask_utils.decode({"size": [height, width], "counts": data[2:]})
    np.testing.assert_array_equal(mask, expected)


def _seeds_of_masks() -> list[bytes]:
    random = Random(0)
    return [random.randbytes(6 + length) for length in (1, 8, 64, 200)]


def _seeds_of_counts() -> list[bytes]:
    masks = np.random.default_rng(0).integers(0, 2, (4, 30, 40), np.uint8)
    return [
        bytes([29, 39]) + mask_utils.encode(np.asfortranarray(mask))["counts"] for mask in masks
    ]


def _seeds_of_wts() -> list[bytes]:
    path = write_wts(Path(_SCRATCH.name, "seed.wts"), folded_tensors())
    return [path.read_bytes()]


def _plainly(seeds: Sequence[bytes]) -> Callable[[bytes, Random], bytes]:
    return lambda data, random: mutated(data, seeds, random)


def _plain_target(seeds: Sequence[bytes], run: Callable[[bytes], object]) -> Target:
    return Target(seeds, _plainly(seeds), run)


TARGETS: dict[str, Target] = {
    "pictures": Target(pictures.seeds(), pictures.changed, read_picture),
    "weights.pkl": Target(pickles.seeds(), pickles.changed, _reader_of_weights(".pkl")),
    "weights.pth": Target(torch_files.seeds(), torch_files.changed, _reader_of_weights(".pth")),
    "weights.wts": _plain_target(_seeds_of_wts(), _reader_of_weights(".wts")),
    "config": Target(yamls.seeds(), yamls.changed, read_config),
    "rle.encode": _plain_target(_seeds_of_masks(), encode_mask),
    "rle.decode": _plain_target(_seeds_of_counts(), decode_mask),
}
