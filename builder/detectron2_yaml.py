"""A detectron2 YAML file and the files that its `_BASE_` names, read as they are."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import yaml

from builder.errors import BuildError

BASE_KEY = "_BASE_"


@dataclass(frozen=True)
class ConfigFile:
    """One file of a chain of bases."""

    path: Path
    settings: dict[object, object]
    """Sections and settings nested as in the file, without `_BASE_`."""


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
                f"{_arrows(chain)}: {BASE_KEY} is {name!r}; it should be the path of a YAML file"
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
            f"{path}: Python configurations (LazyConfig) are not read; give the model's YAML file"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BuildError(f"{_arrows(chain)}: not a text file; expected detectron2 YAML") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise BuildError(f"{_arrows(chain)}: cannot be read: {reason}") from error
    try:
        settings = yaml.safe_load(text)
    except yaml.constructor.ConstructorError as error:
        raise BuildError(
            f"{_arrows(chain)}: holds more than plain YAML values, which are all that is read "
            f"here (tags such as !!python/… run code): {error}"
        ) from error
    except Exception as error:  # malformed tags and numbers leave PyYAML as many other exceptions
        raise BuildError(f"{_arrows(chain)}: not valid YAML: {error!s:.500}") from error
    if not isinstance(settings, dict):
        found = "nothing" if settings is None else f"a {type(settings).__name__}"
        raise BuildError(
            f"{_arrows(chain)}: holds {found}; expected the sections of a detectron2 configuration "
            f"(MODEL, INPUT, TEST, …)"
        )
    return settings


def _arrows(chain: tuple[Path, ...]) -> str:
    return f" -{BASE_KEY}-> ".join(map(str, chain))
