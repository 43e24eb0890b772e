"""KServe's schemas, made of the types and names in the models of its Python package.

The package itself is not imported, for it asks for some dozens of others: its files are read. What
they say is the name, the type and the necessity of each field. Fields of types that are neither
KServe's nor of Kubernetes' core, such as those of its autoscaler, may hold anything.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from kubernetes_validate.utils import schema_contents
from referencing import Registry, Resource

from deploy.validate.errors import ManifestError
from deploy.validate.kubernetes_schemas import VERSIONS

API_VERSIONS = {
    "ServingRuntime": ("serving.kserve.io/v1alpha1", "V1alpha1ServingRuntime"),
    "InferenceService": ("serving.kserve.io/v1beta1", "V1beta1InferenceService"),
}
PLAIN_TYPES: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "bool": {"type": "boolean"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "object": {"type": "object"},
    "datetime": {"type": "string"},
    "ResourceQuantity": {"type": ["string", "number"]},
}


class Schemas:
    """The schemas of KServe's kinds, with those of Kubernetes for what they hold of it."""

    def __init__(self, package: Path) -> None:
        """package: the folder into which the wheel `kserve` was installed.

        Raises:
            ManifestError: there is no such package in it.
        """
        files = [*(package / "kserve" / "models").glob("v1*.py")]
        if not files:
            raise ManifestError(f"{package} has no package kserve; `make lint` installs it")
        sources = [file.read_text(encoding="utf-8") for file in files]
        self._sources = {
            name: source for source in sources for name in re.findall(r"^class (\w+)", source, re.M)
        }
        folder = f"kubernetes-json-schema/v{VERSIONS[-1]}-local-strict"
        kubernetes = schema_contents(f"{folder}/_definitions.json", VERSIONS[-1])
        self._kubernetes_id = kubernetes["$id"]
        self._kubernetes_names = {
            name.rpartition(".")[2]: name
            for name in kubernetes["$defs"]
            if name.startswith(("io.k8s.api.core.v1.", "io.k8s.apimachinery.pkg.apis.meta.v1."))
        }
        self._registry: Registry[Any] = Resource.from_contents(kubernetes) @ Registry()

    def faults(self, document: dict[str, Any]) -> Iterator[str]:
        """What is wrong with a document, unknown fields included."""
        api_version, model = API_VERSIONS[document["kind"]]
        if document["apiVersion"] != api_version:
            yield f"apiVersion: {document['apiVersion']}, expected {api_version}"
        definitions: dict[str, Any] = {}
        self._define(model, definitions)
        schema = {"$ref": f"#/$defs/{model}", "$defs": definitions}
        for error in Draft202012Validator(schema, registry=self._registry).iter_errors(document):
            yield f"{'.'.join(str(step) for step in error.absolute_path)}: {error.message}"

    def _define(self, model: str, definitions: dict[str, Any]) -> None:
        """Add the schema of a model, and of all that it holds."""
        definitions[model] = {}
        source = self._sources[model]
        types, names = (
            _class_variable(source, name) for name in ("openapi_types", "attribute_map")
        )
        required = re.findall(r"Invalid value for `(\w+)`, must not be `None`", source)
        definitions[model] = {
            "type": "object",
            "additionalProperties": False,
            "required": [names[name] for name in required],
            "properties": {
                names[name]: self._schema(type_, definitions)
                for name, type_ in types.items()
                if name != "status"  # a cluster's to write
            },
        }

    def _schema(self, type_: str, definitions: dict[str, Any]) -> dict[str, Any]:
        """Of a type such as `str`, `list[V1Container]`, `dict(str, str)`."""
        if item := re.fullmatch(r"list\[(.*)\]", type_):
            return {"type": "array", "items": self._schema(item[1], definitions)}
        if item := re.fullmatch(r"dict\(str, (.*)\)", type_):
            return {"type": "object", "additionalProperties": self._schema(item[1], definitions)}
        if type_ in PLAIN_TYPES:
            return PLAIN_TYPES[type_]
        name = type_.removeprefix("V1")
        if name in self._kubernetes_names:
            return {"$ref": f"{self._kubernetes_id}#/$defs/{self._kubernetes_names[name]}"}
        if type_ not in self._sources:
            return {}
        if type_ not in definitions:
            self._define(type_, definitions)
        return {"$ref": f"#/$defs/{type_}"}


def _class_variable(source: str, name: str) -> dict[str, str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            value: dict[str, str] = ast.literal_eval(node.value)
            return value
    raise ManifestError(f"a model of the package kserve has no {name}: it has changed its layout")
