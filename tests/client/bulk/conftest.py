"""Ray Data and what comes with it, which `make test` installs into .venv/ray."""

from __future__ import annotations

import sys
from pathlib import Path

PACKAGES = Path(sys.prefix) / "ray"

sys.path.append(str(PACKAGES))
