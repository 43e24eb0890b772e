"""The ensemble `mask_rcnn` of one server: is it there, is it ours, and what decides its answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from client.connection.transport import Transport
from client.errors import ClientError, RequestFailed, ServerUnavailable

MODEL = "mask_rcnn"
BOX_OUTPUTS = ("num_detections", "boxes", "scores", "category_ids")


@dataclass(frozen=True)
class ServedModel:
    """What a server says of its `mask_rcnn`.

    categories: name of each category id that the model can return.
    identity: what decides the answers, for the ensemble and each of its models; JSON values only.
    server_version: such as "2.51.0".
    """

    categories: dict[int, str]
    identity: dict[str, Any]
    server_version: str

    @property
    def has_masks(self) -> bool:
        """False for Faster R-CNN."""
        return has_masks(self.identity)


def has_masks(identity: dict[str, Any]) -> bool:
    """Whether the model of this identity returns masks."""
    return "masks" in identity[MODEL]["outputs"]


async def inspect(transport: Transport) -> ServedModel:
    """Ask a server about its `mask_rcnn`.

    Raises:
        ServerUnavailable: no server there, or it does not have the model now.
        ClientError: the model is another one.
    """
    where = str(transport)
    try:
        server = await transport.server_metadata()
    except (ServerUnavailable, RequestFailed) as error:
        raise ServerUnavailable(f"no Triton server answers at {where}: {error}") from error
    try:
        metadata = await transport.model_metadata(MODEL)
    except (ServerUnavailable, RequestFailed) as error:
        raise ServerUnavailable(await _absent(transport, error)) from error

    outputs = {output["name"] for output in metadata.get("outputs", [])}
    inputs = {tensor["name"]: tensor["datatype"] for tensor in metadata.get("inputs", [])}
    if inputs != {"image": "BYTES"} or not outputs.issuperset(BOX_OUTPUTS):
        raise ClientError(
            f"the model {MODEL} at {where} is another one: it has inputs {inputs} and outputs "
            f"{sorted(outputs)}, expected were {{'image': 'BYTES'}} and {sorted(BOX_OUTPUTS)}"
        )
    config = await transport.model_config(MODEL)
    return ServedModel(
        categories=_categories(config, where),
        identity=await _identity(transport, config),
        server_version=str(server.get("version", "")),
    )


async def _absent(transport: Transport, error: ClientError) -> str:
    message = f"the server at {transport} does not serve the model {MODEL}: {error}"
    try:
        names = await transport.loaded_models()
    except ClientError:
        return message
    return f"{message}\nIt has loaded {', '.join(names) or 'no model'}; its log says why."


def _categories(config: dict[str, Any], where: str) -> dict[int, str]:
    text = _parameters(config).get("categories", "")
    try:
        return {int(entry["id"]): str(entry["name"]) for entry in json.loads(text)}
    except (ValueError, KeyError, TypeError) as error:
        raise ClientError(
            f"the model {MODEL} at {where} does not name its categories: its parameter "
            f"`categories` is {text[:80]!r}, expected was "
            '[{"id": 1, "name": "person"}, …]. Build its repository again with '
            "`python -m builder build`."
        ) from error


async def _identity(transport: Transport, config: dict[str, Any]) -> dict[str, Any]:
    """What decides the answers of the model and, for an ensemble, of every step."""
    steps = config.get("ensemble_scheduling", {}).get("step", [])
    configs = {MODEL: config}
    for step in steps:
        configs[step["model_name"]] = await transport.model_config(step["model_name"])
    identity = {}
    for name, model_config in configs.items():
        metadata = await transport.model_metadata(name)
        identity[name] = {
            "backend": model_config.get("backend") or model_config.get("platform") or "",
            "versions": list(metadata.get("versions", [])),
            "outputs": sorted(output["name"] for output in metadata.get("outputs", [])),
            "parameters": _parameters(model_config),
        }
    return identity


def _parameters(config: dict[str, Any]) -> dict[str, str]:
    return {
        name: value.get("string_value", "") for name, value in config.get("parameters", {}).items()
    }
