"""A model that a server has: is it ours, and what decides its answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from artifact.json_text import parse_json
from artifact.reference import PARAMETER
from client.connection.transport import Transport
from client.detections import Skeleton
from client.errors import ClientError, RequestFailed, ServerUnavailable

INPUTS = {"image": "BYTES"}
BOX_OUTPUTS = ("num_detections", "boxes", "scores", "category_ids")


@dataclass(frozen=True)
class ServedModel:
    """What a server says of one of its models."""

    name: str
    categories: dict[int, str]
    """The name of each category id that the model can return."""
    identity: dict[str, Any]
    """What decides the answers, for the model itself, which is the first, and for each model that
    it passes requests through; JSON values only."""
    server_version: str
    """Such as `2.51.0`."""
    skeletons: dict[int, Skeleton]
    """By category id, of those whose points have names."""

    @property
    def has_masks(self) -> bool:
        """False for Faster R-CNN."""
        return has_masks(self.identity)

    @property
    def has_keypoints(self) -> bool:
        """True for Keypoint R-CNN."""
        return keypoint_oks_sigmas(self.identity) is not None


def has_masks(identity: Mapping[str, Any]) -> bool:
    """Whether the model of this identity returns masks."""
    return "masks" in next(iter(identity.values()))["outputs"]


def keypoint_oks_sigmas(identity: Mapping[str, Any]) -> tuple[float, ...] | None:
    """How far each point may be off in an evaluation (object keypoint similarity), as the model of
    this identity was built: none where it is not known, and None for a model without points."""
    model = next(iter(identity.values()))
    if "keypoints" not in model["outputs"]:
        return None
    sigmas = model["parameters"].get("keypoint_oks_sigmas", "")
    return tuple(map(float, sigmas.split(","))) if sigmas else ()


def categories(identity: Mapping[str, Any]) -> dict[int, str]:
    """The name of each category id that the model of this identity can return."""
    return {int(entry["id"]): str(entry["name"]) for entry in _categories_parameter(identity)}


def skeletons(identity: Mapping[str, Any]) -> dict[int, Skeleton]:
    """By category id, those of the model of this identity.

    Raises:
        ValueError: a line of a skeleton ends in a point that there is not.
    """
    found = {}
    for entry in _categories_parameter(identity):
        names = tuple(map(str, entry.get("keypoints", ())))
        edges = tuple((int(a) - 1, int(b) - 1) for a, b in entry.get("skeleton", ()))
        if not all(end in range(len(names)) for edge in edges for end in edge):
            raise ValueError(f"{entry['name']} has a skeleton of other points than its own")
        if names:
            found[int(entry["id"])] = Skeleton(names, edges)
    return found


def _categories_parameter(identity: Mapping[str, Any]) -> Any:
    return parse_json(next(iter(identity.values()))["parameters"].get("categories", ""))


async def inspect(transport: Transport, name: str) -> ServedModel:
    """Ask a server about its model `name`.

    Raises:
        ServerUnavailable: no server there, or it does not have the model now.
        ClientError: the model does not answer as ours do.
    """
    where = str(transport)
    try:
        server = await transport.server_metadata()
    except (ServerUnavailable, RequestFailed) as error:
        raise ServerUnavailable(f"no Triton server answers at {where}: {error}") from error
    try:
        metadata = await transport.model_metadata(name)
    except (ServerUnavailable, RequestFailed) as error:
        raise ServerUnavailable(await _absent(transport, name, error)) from error
    if not _is_ours(metadata):
        raise ClientError(
            f"the model {name} at {where} is another one: it has inputs {_inputs(metadata)} and "
            f"outputs {_outputs(metadata)}, expected were {INPUTS} and {sorted(BOX_OUTPUTS)}"
        )
    config = await transport.model_config(name)
    identity = await _identity(transport, name, config)
    try:
        return ServedModel(
            name=name,
            categories=categories(identity),
            identity=identity,
            server_version=str(server.get("version", "")),
            skeletons=skeletons(identity),
        )
    except (ValueError, KeyError, TypeError) as error:
        text = identity[name]["parameters"].get("categories", "")
        raise ClientError(
            f"the model {name} at {where} does not name its categories: its parameter "
            f"`categories` is {text[:80]!r}, expected was "
            '[{"id": 1, "name": "person"}, …]. Build its repository again with '
            "`python -m builder build`."
        ) from error


async def our_models(transport: Transport, loaded: Sequence[str]) -> list[str]:
    """Those of the models that a server has loaded which answer as ours do."""
    metadata = await asyncio.gather(*map(transport.model_metadata, loaded))
    return [model for model, its in zip(loaded, metadata, strict=True) if _is_ours(its)]


async def _absent(transport: Transport, name: str, error: ClientError) -> str:
    message = f"the server at {transport} does not serve the model {name}: {error}"
    try:
        loaded = await transport.loaded_models()
        ours = await our_models(transport, loaded)
    except ClientError:
        return message
    if ours:
        return (
            f"{message}\nIt serves {', '.join(ours)}: name one with --model. Its log says why "
            f"{name} is not there."
        )
    return f"{message}\nIt has loaded {', '.join(loaded) or 'no model'}; its log says why."


def _is_ours(metadata: Mapping[str, Any]) -> bool:
    return _inputs(metadata) == INPUTS and set(BOX_OUTPUTS) <= set(_outputs(metadata))


def _inputs(metadata: Mapping[str, Any]) -> dict[str, str]:
    return {tensor["name"]: tensor["datatype"] for tensor in metadata.get("inputs", [])}


def _outputs(metadata: Mapping[str, Any]) -> list[str]:
    return sorted(tensor["name"] for tensor in metadata.get("outputs", []))


async def _identity(transport: Transport, name: str, config: dict[str, Any]) -> dict[str, Any]:
    """What decides the answers of the model and, for an ensemble, of every step."""
    configs = {name: config}
    for step in config.get("ensemble_scheduling", {}).get("step", []):
        configs[step["model_name"]] = await transport.model_config(step["model_name"])
    identity = {}
    for model, model_config in configs.items():
        metadata = await transport.model_metadata(model)
        identity[model] = {
            "backend": model_config.get("backend") or model_config.get("platform") or "",
            "versions": list(metadata.get("versions", [])),
            "outputs": _outputs(metadata),
            # What was answered is long, and decides no answer.
            "parameters": {
                key: value for key, value in parameters(model_config).items() if key != PARAMETER
            },
        }
    return identity


def parameters(config: Mapping[str, Any]) -> dict[str, str]:
    """Those of a model."""
    return {
        name: value.get("string_value", "") for name, value in config.get("parameters", {}).items()
    }
