"""Kubernetes' own schemas, as the package kubernetes-validate bundles them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import kubernetes_validate
from kubernetes_validate.utils import SchemaNotFoundError, all_versions

VERSIONS = (all_versions()[0], all_versions()[-1])
"""The oldest and the newest that are bundled."""


def faults(document: dict[str, Any]) -> Iterator[str]:
    """What is wrong with a document, unknown fields included, in the oldest and newest version."""
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except SchemaNotFoundError as error:
            yield error.message
        except kubernetes_validate.ValidationError as error:
            place = ".".join(str(step) for step in error.absolute_path)
            yield f"Kubernetes {version}: {place}: {error.message}"
