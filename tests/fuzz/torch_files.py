"""Files of torch.save, changed as bytes, entry by entry, or opcode by opcode of their pickle."""

from __future__ import annotations

import io
import zipfile
from random import Random

import numpy as np

from tests.builder.weights.small_network import tensors
from tests.builder.weights.torch_archives import FOLDER
from tests.builder.weights.torch_file import entries, tensor_of, zipped
from tests.fuzz import pickles
from tests.fuzz.mutate import mutated

_NAMES = ("data.pkl", "data/0", "data/1", "byteorder", "constants.pkl", "../out", "data/", "")


def seeds() -> list[bytes]:
    """Small checkpoints, of torch's own and of the network that they are read for."""
    model = {name: tensor_of(array) for name, array in tensors().items()}
    checkpoint = {"state_dict": {f"model.{name}": tensor for name, tensor in model.items()}}
    written = [zipped(entries({"model": model, "lr": np.float64(1)})), zipped(entries(checkpoint))]
    return written + [path.read_bytes() for path in sorted(FOLDER.glob("*.pth"))]


_SEEDS = seeds()


def changed(data: bytes, random: Random) -> bytes:
    """The file with some of its bytes changed, or its pickle, or what else it holds.

    All but the first keep the list of entries and the checksums right, which would hide the rest.
    """
    if random.random() < 0.3:
        return mutated(data, _SEEDS, random)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            content = {info.filename: archive.read(info) for info in archive.infolist()[:50]}
    except Exception:  # whatever damage leads to
        return mutated(data, _SEEDS, random)
    folder = next(iter(content), "a/").partition("/")[0]
    inside = {name.partition("/")[2]: entry for name, entry in content.items()}
    for _ in range(random.choice((1, 1, 2, 4))):
        name = random.choice((*_NAMES, *inside))
        kind = random.random()
        if kind < 0.6:
            inside["data.pkl"] = pickles.changed(inside.get("data.pkl", b"N."), random)
        elif kind < 0.8:
            inside[name] = mutated(inside.get(name, b""), [*inside.values(), b"x"], random)
        elif kind < 0.9:
            inside.pop(name, None)
        else:
            inside[name] = random.choice((b"", b"big", b"little", *inside.values()))
    return zipped(inside, folder)
