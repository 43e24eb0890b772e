"""A detectron2 YAML file and the files that its `_BASE_` names, read as they are."""

from __future__ import annotations

import os
import re
import reprlib
from dataclasses import dataclass
from pathlib import Path

from builder.config.plain_yaml import MoreThanPlainValues, parse_yaml
from builder.errors import BuildError

BASE_KEY = "_BASE_"

LARGEST_FILE = 100_000
"""In bytes. detectron2's dump of all its settings has 6 kB; `_BASE_` may name /dev/zero."""

_LAZY = re.compile(rb"""^[^#\n]*\b_target_["']?\s*:""", re.MULTILINE)
"""What LazyConfig writes into a YAML file in place of each class and function."""

_INSTEAD_OF_LAZY = (
    "give detectron2's other kind of configuration: start from the model zoo's YAML of the same "
    "model, such as mask_rcnn_R_50_FPN_3x.yaml, and set in it what yours changes, such as "
    "MODEL.ROI_HEADS.NUM_CLASSES for model.roi_heads.num_classes. The weights can stay as they are"
)


@dataclass(frozen=True)
class ConfigFile:
    """One file of a chain of bases."""

    path: Path
    settings: dict[object, object]
    """Sections and settings nested as in the file, without `_BASE_`."""


_SHORT = reprlib.Repr()
_SHORT.maxlevel = 3  # lists of lists, but not the billions of them that aliases can make


def shown(value: object) -> str:
    """A value of a file as a message shows it, at no great length."""
    try:
        return _SHORT.repr(value)
    except ValueError:  # an integer of more digits than Python prints
        return f"a {type(value).__name__} too long to show"


def read_with_bases(path: str | Path) -> list[ConfigFile]:
    """The file and everything that it inherits from.

    `_BASE_` is a path, or a list of them, relative to the file that holds it; `~` is expanded
    (fvcore's `CfgNode.load_yaml_with_base`).

    Returns:
        The files in the order in which they apply: a later one overrides an earlier one, and
        `path` itself comes last.

    Raises:
        BuildError: a file of the chain is missing, is not YAML, or is its own base. The message
            shows the chain.
    """
    return _read_chain((Path(path),))


def _read_chain(chain: tuple[Path, ...]) -> list[ConfigFile]:
    path = chain[-1]
    settings = _read_yaml(chain)
    if os.path.realpath(path) in map(os.path.realpath, chain[:-1]):
        raise BuildError(f"{_arrows(chain)}: {BASE_KEY} goes round in a circle")
    files = []
    for base in _bases(chain, settings.pop(BASE_KEY, [])):
        files += _read_chain((*chain, base))
    return [*files, ConfigFile(path, settings)]


def _bases(chain: tuple[Path, ...], value: object) -> list[Path]:
    bases = []
    for name in value if isinstance(value, list) else [value]:
        if not isinstance(name, str) or not name:
            raise BuildError(
                f"{_arrows(chain)}: {BASE_KEY} is {shown(name)}; it should be the path of a YAML "
                f"file"
            )
        if "://" in name:
            raise BuildError(
                f"{_arrows(chain)}: {BASE_KEY} is the address {name!r}; download that file and "
                f"give its path instead"
            )
        bases.append(chain[-1].parent / os.path.expanduser(name))
    return bases


def _read_yaml(chain: tuple[Path, ...]) -> dict[object, object]:
    path = chain[-1]
    if path.suffix == ".py":
        raise BuildError(
            f"{_arrows(chain)}: configurations in Python (LazyConfig) are not read, because that "
            f"would run them; {_INSTEAD_OF_LAZY}"
        )
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise BuildError(f"{_arrows(chain)}: cannot be read: {reason}") from error
    if len(content) > LARGEST_FILE:
        raise BuildError(
            f"{_arrows(chain)}: is larger than {LARGEST_FILE} bytes; expected detectron2 YAML"
        )
    if _LAZY.search(content):
        raise BuildError(
            f"{_arrows(chain)}: was written by LazyConfig (it has `_target_`), whose names are not "
            f"those of detectron2's settings; {_INSTEAD_OF_LAZY}"
        )
    try:
        settings = parse_yaml(content)
    except MoreThanPlainValues as error:
        raise BuildError(
            f"{_arrows(chain)}: {error} (tags such as !!python/… run code; in detectron2's own "
            "configurations only RetinaNet's have them, and RetinaNet is not built)"
        ) from error
    except ValueError as error:
        raise BuildError(f"{_arrows(chain)}: {error}; expected detectron2 YAML") from error
    if not isinstance(settings, dict):
        found = "nothing" if settings is None else f"a {type(settings).__name__}"
        raise BuildError(
            f"{_arrows(chain)}: holds {found}; expected the sections of a detectron2 configuration "
            f"(MODEL, INPUT, TEST, …)"
        )
    return settings


def _arrows(chain: tuple[Path, ...]) -> str:
    return f" -{BASE_KEY}-> ".join(map(str, chain))
