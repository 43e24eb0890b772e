"""The Python code of the served models, imported as Triton does it."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from builder.repository.write import CHECKED_IN


def served_module(model: str, name: str) -> ModuleType:
    """Imports a module of a model's version folder; its neighbours are what it may import.

    That is for modules that know nothing of Triton: a `model.py` runs within Triton alone.
    """
    folder = str(CHECKED_IN / model / "1")
    sys.path.insert(0, folder)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(folder)
