"""Whether the models of a build are there, and configured as it wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from artifact.names import ModelNames
from artifact.reference import PARAMETER, Reference, read_reference
from client.connection.served_model import parameters
from client.connection.transport import Transport
from client.errors import ClientError, RequestFailed, ServerUnavailable

Configs = dict[str, dict[str, Any]]
"""Triton's configuration of each model, by its name."""


async def served_configs(transport: Transport, names: ModelNames) -> tuple[Configs, list[str]]:
    """The configurations of the models that are ready, and a line for each that is not."""
    configs, absent = {}, []
    for name in names:
        try:
            await transport.model_metadata(name)  # Only a ready model has any.
            configs[name] = await transport.model_config(name)
        except (ServerUnavailable, RequestFailed) as error:
            absent.append(f"{name} is not served: {error}")
    return configs, absent


def reference_of(configs: Configs, names: ModelNames) -> Reference:
    """What the build recorded.

    Raises:
        ClientError: nothing, or not as this version of the client reads it.
    """
    text = parameters(configs[names.ensemble]).get(PARAMETER)
    if text is None:
        raise ClientError(
            f"{names.ensemble} has no parameter `{PARAMETER}` in its config.pbtxt: an earlier "
            "version of the builder wrote it. Build the repository again"
        )
    try:
        return read_reference(text)
    except ValueError as error:
        raise ClientError(
            f"the parameter `{PARAMETER}` of {names.ensemble} is not as this version of the "
            f"builder writes it ({error}): build the repository again"
        ) from error


def canvases_of(configs: Configs, names: ModelNames) -> list[tuple[int, int]]:
    """Those that preprocess has: height and width of each.

    Raises:
        ClientError: its parameter says something else.
    """
    text = parameters(configs[names.preprocess]).get("canvases", "")
    sides = [part.strip().split("x") for part in text.split(",")]
    try:
        return [(int(height), int(width)) for height, width in sides]
    except ValueError as error:
        raise ClientError(
            f"the parameter `canvases` of {names.preprocess} is {text!r}; expected was such as "
            "800x1344,1344x800"
        ) from error


def on_cpu(network: Mapping[str, Any]) -> bool:
    """Whether the network of this configuration runs in ONNX Runtime on a CPU."""
    kinds = {group.get("kind") for group in network.get("instance_group", [])}
    return network.get("backend") == "python" and "KIND_GPU" not in kinds


def configuration_faults(configs: Configs, reference: Reference) -> list[str]:
    """How the configurations differ from what the build wrote, a line each."""
    faults = []
    for name, config in configs.items():
        if (served := int(config.get("max_batch_size", 0))) != reference.max_batch:
            faults.append(f"{name}: max_batch_size is {served}, built was {reference.max_batch}")
        tensors = {
            tensor["name"]: _in_words(tensor["data_type"], tensor["dims"])
            for side in ("input", "output")
            for tensor in config.get(side, [])
        }
        built = {
            tensor.name: _in_words(tensor.data_type, tensor.shape)
            for tensor in reference.tensors.get(name, ())
        }
        faults += _between(f"{name}: tensor", tensors, built)
        ours = reference.parameters.get(name, {})
        theirs = {key: value for key, value in parameters(config).items() if key in ours}
        faults += _between(f"{name}: parameter", theirs, ours)
    return faults


def _between(what: str, served: Mapping[str, str], built: Mapping[str, str]) -> list[str]:
    return [
        f"{what} {key} is {_short(served.get(key))}, built was {_short(built.get(key))}"
        for key in dict.fromkeys([*built, *served])
        if served.get(key) != built.get(key)
    ]


def _in_words(data_type: str, dims: Any) -> str:
    sizes = ", ".join(str(int(dim)) for dim in dims)  # gRPC's JSON has strings.
    return f"{data_type.removeprefix('TYPE_')} [{sizes}]"


def _short(value: str | None) -> str:
    if value is None:
        return "missing"
    return value if len(value) <= 40 else f"{value[:40]}…"
