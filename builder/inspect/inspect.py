"""What a build holds, and whether it fits this machine."""

from __future__ import annotations

from pathlib import Path

import onnx

from artifact.closed_folders import check_open
from artifact.errors import ArtifactError
from artifact.manifest import MANIFEST, Manifest, read_manifest
from builder.errors import BuildError
from builder.inspect.description import describe_manifest, describe_onnx
from builder.inspect.fit import onnx_fit, plan_fit


def inspect(path: Path) -> int:
    """Prints what a repository, a plan or an ONNX file holds, and whether it fits this machine.

    Args:
        path: the file, or a folder that has a build in it: a repository, a model, a version.

    Returns:
        0 if what was named fits, all files of a build if it is a folder; else 1.

    Raises:
        BuildError: `path` holds no build, or cannot be read.
    """
    if path.is_dir():
        fits = [_inspect_build(manifest) for manifest in _manifests_in(path)]
        return 0 if all(fits) else 1
    if not path.exists():
        raise BuildError(f"{path}: no such file or folder")
    manifest_file = path.parent / MANIFEST
    if manifest_file.exists() and path.name in _files(_read(manifest_file)):
        return 0 if _inspect_build(manifest_file, path.name) else 1
    return 0 if _inspect_onnx(path) else 1


def _inspect_build(manifest_file: Path, only: str | None = None) -> bool:
    """Prints a manifest and whether its files (or `only` one) fit; returns whether all do."""
    manifest = _read(manifest_file)
    print(f"{manifest_file}\n\n{describe_manifest(manifest)}\n")
    folder = manifest_file.parent
    verdicts = {}
    if manifest.plan and only in (None, manifest.plan.file.name):
        verdicts[manifest.plan.file.name] = plan_fit(manifest.plan, folder)
    if only in (None, manifest.onnx.name):
        verdicts[manifest.onnx.name] = onnx_fit(folder / manifest.onnx.name, manifest.onnx)
    for name, verdict in verdicts.items():
        print(f"{name}: {verdict}")
    return all(verdict.fits for verdict in verdicts.values())


def _inspect_onnx(path: Path) -> bool:
    """The same for an ONNX file of which there is no manifest."""
    try:
        path.open("rb").close()  # the checker has no word on why it cannot
        onnx.checker.check_model(path)
        model = onnx.load_model(path)
    except OSError as error:
        raise BuildError(f"{path}: cannot be read: {error.strerror}") from error
    except onnx.checker.ValidationError as error:
        raise BuildError(
            f"{path}: is no ONNX file, and no {MANIFEST} beside it tells of it (a plan does not "
            "tell of itself); give what `python -m builder build` wrote"
        ) from error
    print(f"{path}\n\n{describe_onnx(model)}\n")
    verdict = onnx_fit(path, None)
    print(f"{path.name}: {verdict}")
    return verdict.fits


def _manifests_in(folder: Path) -> list[Path]:
    for pattern in (MANIFEST, f"*/{MANIFEST}", f"*/*/{MANIFEST}"):
        if found := sorted(folder.glob(pattern)):
            return found
    check_open(folder)
    raise BuildError(
        f"{folder}: nothing is built in it: there is no {MANIFEST}, which `python -m builder "
        "build` writes beside the network"
    )


def _files(manifest: Manifest) -> list[str]:
    return [manifest.onnx.name] + ([manifest.plan.file.name] if manifest.plan else [])


def _read(manifest_file: Path) -> Manifest:
    try:
        return read_manifest(manifest_file)
    except ArtifactError as error:
        raise BuildError(str(error)) from error
