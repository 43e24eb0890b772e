"""What the check of the manifests puts together, and what it refuses to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.validate.errors import ManifestError
from deploy.validate.kustomize import Document, render

POD: Document = {"containers": [{"name": "one", "image": "a"}, {"name": "two", "image": "b"}]}
DEPLOYMENT: Document = {
    "kind": "Deployment",
    "metadata": {"name": "servers"},
    "spec": {"template": {"spec": POD}},
}


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a kustomization of the one deployment, and a patch of its pod."""

    def write(patch: Document | None = None, **kustomization: Any) -> Path:
        content = {"resources": ["deployment.yaml"], **kustomization}
        (tmp_path / "deployment.yaml").write_text(yaml.safe_dump(DEPLOYMENT))
        if patch is not None:
            content["patches"] = [{"path": "patch.yaml"}]
            (tmp_path / "patch.yaml").write_text(
                yaml.safe_dump({**DEPLOYMENT, "spec": {"template": {"spec": patch}}})
            )
        (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(content))
        return tmp_path

    return write


def pod(folder: Path) -> Any:
    (deployment,) = render(folder)
    return deployment["spec"]["template"]["spec"]


def test_a_patch_changes_the_container_of_its_name(write: Write) -> None:
    patched = pod(write({"containers": [{"name": "two", "args": ["x"]}]}))
    assert patched["containers"] == [
        {"name": "one", "image": "a"},
        {"name": "two", "image": "b", "args": ["x"]},
    ]


def test_a_patch_adds_what_was_not_there(write: Write) -> None:
    assert pod(write({"tolerations": [{"key": "gpu"}]}))["tolerations"] == [{"key": "gpu"}]


def test_images_and_namespace_are_set(write: Write) -> None:
    images = [{"name": "a", "newName": "registry/a", "newTag": "1"}]
    (deployment,) = render(write(images=images, namespace="ours"))
    assert deployment["metadata"]["namespace"] == "ours"
    first, second = deployment["spec"]["template"]["spec"]["containers"]
    assert (first["image"], second["image"]) == ("registry/a:1", "b")


@pytest.mark.parametrize(
    ("patch", "kustomization", "message"),
    [
        (None, {"namePrefix": "x-"}, "namePrefix"),
        (None, {"resources": ["other.yaml"]}, "other.yaml"),
        (None, {"configMapGenerator": [{"name": "x", "literals": []}]}, "only name and files"),
        ({"containers": [{"name": "three"}]}, {}, "three"),
    ],
)
def test_what_it_does_not_know_is_refused_by_name(
    write: Write, patch: Document | None, kustomization: Document, message: str
) -> None:
    with pytest.raises(ManifestError, match=message):
        render(write(patch, **kustomization))


def test_a_list_that_it_cannot_merge_is_refused(write: Write, tmp_path: Path) -> None:
    folder = write({"volumes": [{"name": "tmp"}]})
    deployment = {**DEPLOYMENT, "spec": {"template": {"spec": {**POD, "volumes": [{"name": "a"}]}}}}
    (folder / "deployment.yaml").write_text(yaml.safe_dump(deployment))
    with pytest.raises(ManifestError, match="volumes"):
        render(folder)
