"""Builds the client alone: `client` and `artifact` in one package of the project's own name.

hatchling's hooks for client/pyproject.toml. The packages keep their names in the clone; in the
environment of an application `client` and `artifact` would be anybody's. So their modules go into
`mask_rcnn_client`, and the lines that import one from another say so.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGE = "mask_rcnn_client"
PLACES = {"client": PACKAGE, "artifact": f"{PACKAGE}.artifact"}
"""Where each package of the clone goes."""
EXTRAS = ("bulk", "fiftyone", "supervision", "video")
LEFT_OUT = shutil.ignore_patterns("__pycache__", Path(__file__).name, "pyproject.toml")

_IMPORT = re.compile(rf"^(\s*(?:>>> )?(?:from|import) )({'|'.join(PLACES)})(?=[. ])", re.MULTILINE)


class ProjectMetadata(MetadataHookInterface):
    """What both distributions have in common."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Take it from the project's pyproject.toml."""
        project = tomllib.loads((_clone(self.root) / "pyproject.toml").read_text())["project"]
        extras = project["optional-dependencies"]
        metadata["version"] = project["version"]
        metadata["description"] = f"Client for {project['description']}"
        # The rest of what the project always needs is for building models.
        numpy = [each for each in project["dependencies"] if each.startswith("numpy")]
        metadata["dependencies"] = numpy + extras["client"]
        metadata["optional-dependencies"] = {extra: extras[extra] for extra in EXTRAS}


class RenamedPackage(BuildHookInterface[Any]):
    """The package's files."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Put them where the build collects them."""
        self._folder = tempfile.TemporaryDirectory()
        package = Path(self._folder.name, PACKAGE)
        write_package(_clone(self.root), package)
        build_data["force_include"][str(package)] = PACKAGE

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Delete them."""
        self._folder.cleanup()


def write_package(clone: Path, package: Path) -> None:
    """The modules of `PLACES` under the names that they have there, their licence, and `py.typed`.

    Args:
        clone: the project's folder.
        package: the folder of the package, which is made.
    """
    for name, place in PLACES.items():
        folder = package.joinpath(*place.split(".")[1:])
        shutil.copytree(clone / name, folder, ignore=LEFT_OUT, dirs_exist_ok=True)
    for module in package.rglob("*.py"):
        module.write_text(renamed(module.read_text()))
    shutil.copy(clone / "LICENSE", package)
    (package / "py.typed").touch()


def renamed(source: str) -> str:
    """A module's source with the names of `PLACES` in the lines that import."""
    return _IMPORT.sub(lambda line: line[1] + PLACES[line[2]], source)


def _clone(root: str) -> Path:
    clone = Path(root).parent
    if not (clone / "artifact").is_dir():
        raise FileNotFoundError(
            f"{root} is built inside of a clone of the project, whose artifact/ and pyproject.toml "
            "are beside it: there is no sdist of the client alone, make a wheel"
        )
    return clone
