"""python -m deploy.validate: checks every manifest in deploy/ against its schema."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from deploy.validate import kubernetes_schemas
from deploy.validate.errors import ManifestError
from deploy.validate.kserve_schemas import Schemas
from deploy.validate.kustomize import identity, load, render

DEPLOY = Path(__file__).parents[1]
OVERLAYS = sorted((DEPLOY / "kubernetes" / "overlays").iterdir())
KSERVE = sorted((DEPLOY / "kserve").glob("*.yaml"))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.validate", description=__doc__)
    parser.add_argument(
        "--kserve", type=Path, required=True, metavar="DIR", help="where the wheel kserve lies"
    )
    options = parser.parse_args(arguments)
    try:
        found = check(options.kserve)
    except ManifestError as error:
        found = [str(error)]
    for fault in found:
        print(f"error: {fault}", file=sys.stderr)
    return 1 if found else 0


def check(kserve: Path) -> list[str]:
    """The faults in all manifests.

    Raises:
        ManifestError: one cannot be read or put together.
    """
    found = []
    for overlay in OVERLAYS:
        for document in render(overlay):
            for fault in kubernetes_schemas.faults(document):
                found.append(f"{overlay.name}: {identity(document)}: {fault}")
    schemas = Schemas(kserve)
    for file in KSERVE:
        for document in load(file):
            found += [f"{file.name}: {fault}" for fault in schemas.faults(document)]
    return found


if __name__ == "__main__":
    sys.exit(main())
