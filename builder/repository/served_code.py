"""The Python code of the served models, imported as Triton does it: each model for itself."""

from __future__ import annotations

import importlib
import sys
from collections import defaultdict
from pathlib import Path
from types import ModuleType

from builder.repository.write import CHECKED_IN

_imported: defaultdict[Path, dict[str, ModuleType]] = defaultdict(dict)
"""By version folder, its modules so far."""


def served_module(model: str, name: str) -> ModuleType:
    """Imports a module of a model's version folder; its neighbours are what it may import.

    That is for modules that know nothing of Triton: a `model.py` runs within Triton alone. Modules
    of other models, and of Python's own path, may have the same names: neither sees the other.

    Args:
        model: its folder in `CHECKED_IN`.
        name: the module's, a file beside `model.py`.
    """
    folder = CHECKED_IN / model / "1"
    neighbours = [file.stem for file in folder.glob("*.py")]
    of_others = _taken_out(neighbours)
    sys.modules.update(_imported[folder])
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))
        _imported[folder] = _taken_out(neighbours)
        sys.modules.update(of_others)


def _taken_out(names: list[str]) -> dict[str, ModuleType]:
    """The modules that Python knows by these names, which it forgets."""
    return {name: sys.modules.pop(name) for name in names if name in sys.modules}
