"""What ``kubectl kustomize`` makes of a kustomization, for the few fields that are used here.

Everything else is refused, so that nothing is checked that a cluster would not get.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from deploy.validate.errors import ManifestError

Document = dict[str, Any]

KUSTOMIZATION = "kustomization.yaml"
CLUSTER_WIDE = ("Namespace",)
MERGED_BY_NAME = ("containers", "initContainers")
"""The lists whose items a patch changes one by one; Kubernetes has more such lists."""


def load(path: Path) -> list[Document]:
    """The documents of a YAML file.

    Raises:
        ManifestError: it cannot be read, or is not YAML.
    """
    try:
        return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise ManifestError(f"{path}: {error}") from error


def render(folder: Path) -> list[Document]:
    """The documents that the kustomization in `folder` stands for.

    Names of generated ConfigMaps are without the hash that kustomize appends.

    Raises:
        ManifestError: it uses something that is not known here, or a file or target is missing.
    """
    (kustomization,) = load(folder / KUSTOMIZATION)
    if unknown := kustomization.keys() - STEPS.keys() - {"apiVersion", "kind"}:
        raise ManifestError(
            f"{folder / KUSTOMIZATION}: {', '.join(sorted(unknown))}: not known to this check"
        )
    documents: list[Document] = []
    # In kustomize's own order, whatever that of the file is.
    for name, step in STEPS.items():
        if name in kustomization:
            documents = step(folder, documents, kustomization[name])
    return documents


def _resources(folder: Path, documents: list[Document], paths: list[str]) -> list[Document]:
    for path in paths:
        resource = folder / path
        documents = documents + (render(resource) if resource.is_dir() else load(resource))
    return documents


def _config_maps(
    folder: Path, documents: list[Document], generators: list[Document]
) -> list[Document]:
    for generator in generators:
        if generator.keys() != {"name", "files"}:
            raise ManifestError(f"{folder / KUSTOMIZATION}: {generator}: only name and files")
        try:
            data = {Path(file).name: (folder / file).read_text() for file in generator["files"]}
        except OSError as error:
            raise ManifestError(f"{folder / KUSTOMIZATION}: {error}") from error
        documents = [
            *documents,
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": generator["name"]},
                "data": data,
            },
        ]
    return documents


def _patches(folder: Path, documents: list[Document], patches: list[Document]) -> list[Document]:
    for patch in patches:
        if patch.keys() != {"path"}:
            raise ManifestError(f"{folder / KUSTOMIZATION}: {patch}: only path")
        for change in load(folder / patch["path"]):
            targets = [
                place for place, it in enumerate(documents) if identity(it) == identity(change)
            ]
            if len(targets) != 1:
                raise ManifestError(
                    f"{folder / patch['path']}: patches {identity(change)}, "
                    f"of which there are {len(targets)}"
                )
            documents = copy.deepcopy(documents)
            documents[targets[0]] = _merge(documents[targets[0]], change, "")
    return documents


def _merge(base: Any, change: Any, name: str) -> Any:
    """`base`, changed in place where it is a mapping."""
    if isinstance(base, dict) and isinstance(change, dict):
        for key, value in change.items():
            base[key] = _merge(base[key], value, key) if key in base else value
        return base
    if isinstance(base, list) and name in MERGED_BY_NAME:
        by_name = {item["name"]: item for item in base}
        for item in change:
            if item["name"] not in by_name:
                raise ManifestError(f"a patch has {name} {item['name']}, which is not in the base")
            _merge(by_name[item["name"]], item, "")
        return base
    if isinstance(base, list) and any(isinstance(item, dict) for item in base):
        raise ManifestError(f"a patch has the list {name}; this check cannot merge that one")
    return change


def _namespace(folder: Path, documents: list[Document], namespace: str) -> list[Document]:
    for document in documents:
        if document["kind"] not in CLUSTER_WIDE:
            document["metadata"]["namespace"] = namespace
    return documents


def _images(folder: Path, documents: list[Document], images: list[Document]) -> list[Document]:
    by_name = {image["name"]: f"{image['newName']}:{image['newTag']}" for image in images}
    for document in documents:
        for container in containers(document):
            container["image"] = by_name.get(container["image"], container["image"])
    return documents


STEPS: dict[str, Callable[[Path, list[Document], Any], list[Document]]] = {
    "resources": _resources,
    "configMapGenerator": _config_maps,
    "patches": _patches,
    "namespace": _namespace,
    "images": _images,
}


def identity(document: Document) -> str:
    """Such as ``Deployment/mask-rcnn-proxy``."""
    return f"{document['kind']}/{document['metadata']['name']}"


def containers(document: Document) -> list[Document]:
    """The containers of a workload, those that run first included; none of anything else."""
    if "template" not in document.get("spec", {}):
        return []
    pod = document["spec"]["template"]["spec"]
    return pod.get("initContainers", []) + pod["containers"]
