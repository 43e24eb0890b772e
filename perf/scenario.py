"""Scenario files: what is measured, under which load, and how carefully."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from artifact.names import DEFAULT_NAME, ModelNames
from builder.config.plain_yaml import parse_yaml
from builder.config.rules import Rule, integer, number, one_of, one_or_more, text
from perf.errors import PerfError

SCENARIOS = Path(__file__).with_name("scenarios")

STEPS = ("preprocess", "network", "postprocess")
"""What a picture passes in the ensemble, in this order: properties of `ModelNames`."""


def _folder(value: Any) -> Path:
    path = str(text().parse(value))
    if "\0" in path:
        raise ValueError
    return Path(os.path.expanduser(path))


FOLDER = Rule("a folder", _folder)


def _optional(default: Any, rule: Rule) -> Any:
    return field(default=default, metadata={"rule": rule})


@dataclass(frozen=True)
class Scenario:
    """One scenario file, with the defaults filled in.

    Every field but `name` is a key of the file. Each entry of `concurrency` or of `request_rate`
    is one measurement.
    """

    name: str
    """The file's name without ``.yaml``."""
    repository: Path = field(metadata={"rule": FOLDER})
    images: Path = field(metadata={"rule": FOLDER})
    title: str = field(metadata={"rule": text()})
    model_config_name: str | None = _optional(None, text())
    """``configs/<name>.pbtxt`` in place of ``config.pbtxt``."""
    model: str = _optional(DEFAULT_NAME, text())
    """The build that is measured, by the name of its ensemble."""
    step: str | None = _optional(None, one_of(*STEPS))
    """The step of the ensemble that requests are sent to; None for the whole ensemble."""
    network: str = _optional("served", one_of("served", "recorded", "recorded_full"))
    """"recorded": the network answers from its own recorded outputs, without delay;
    "recorded_full": the same with every place for a detection taken."""
    concurrency: tuple[int, ...] = _optional((), one_or_more(integer(most=1024)))
    """Requests in flight at once."""
    request_rate: tuple[float, ...] = _optional(
        (), one_or_more(number("a number above 0, up to 100000", lambda x: 0 < x <= 100_000))
    )
    """Requests per second, in place of `concurrency`."""
    request_distribution: str = _optional("poisson", one_of("poisson", "constant"))
    """The intervals between the requests of a `request_rate`."""
    repeat: int = _optional(1, integer(most=10_000))
    """How many times the list of loads is measured."""
    batch: int = _optional(1, integer(most=128))
    """Pictures in a request."""
    transport: str = _optional("plain", one_of("plain", "system_shared_memory"))
    """"plain": tensors travel inside the gRPC messages. With "system_shared_memory" only one
    perf_analyzer at a time can run on a machine."""
    pictures: int = _optional(16, integer(most=10_000))
    """How many of the folder's pictures take turns."""
    percentile: int = _optional(95, integer(most=99))
    """Of the latency, for the decision whether a measurement is stable."""
    window_requests: int = _optional(100, integer(most=1_000_000))
    """Requests in a window, at least; a measurement is the last three windows."""
    stability_percent: float = _optional(
        10.0, number("a number above 0, up to 1000", lambda x: 0 < x <= 1000)
    )
    """By how much three windows may differ to be called stable."""
    max_windows: int = _optional(10, integer(least=3, most=1000))
    """After so many, a load is called unstable."""

    @property
    def names(self) -> ModelNames:
        """Of the four models of the build."""
        return ModelNames(self.model)

    @property
    def requested_model(self) -> str:
        """The model that requests are sent to."""
        return self.names.ensemble if self.step is None else getattr(self.names, self.step)

    @property
    def load_kind(self) -> str:
        """The key that holds the loads: "concurrency" or "request_rate"."""
        return "concurrency" if self.concurrency else "request_rate"

    @property
    def loads(self) -> tuple[float, ...]:
        """The loads in the order in which they are measured."""
        return (self.concurrency or self.request_rate) * self.repeat

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Scenario:
        """The inverse of ``dataclasses.asdict`` followed by JSON, which has no paths and tuples.

        Raises:
            ValueError, TypeError: it is none.
        """
        defaults = {key.name: key.default for key in fields(cls)}
        parsed: dict[str, Any] = {"name": text().parse(value["name"])}
        for key in value.keys() - {"name"}:
            given = tuple(value[key]) if isinstance(value[key], list) else value[key]
            is_default = given == defaults[key] and type(given) is type(defaults[key])
            try:
                parsed[key] = given if is_default else _RULES[key].parse(value[key])
            except ValueError:
                raise ValueError(f"scenario.{key} is {value[key]!r}") from None
        scenario = cls(**parsed)
        if bool(scenario.concurrency) == bool(scenario.request_rate):
            raise ValueError("scenario has neither concurrency nor request_rate, or both")
        return scenario


_RULES: dict[str, Rule] = {
    key.name: key.metadata["rule"] for key in fields(Scenario) if key.name != "name"
}


def load_scenario(
    path: Path,
    *,
    repository: Path | None = None,
    model_config_name: str | None = None,
    model: str | None = None,
    images: Path | None = None,
) -> Scenario:
    """Reads a scenario file.

    Args:
        path: the YAML file; paths in it are relative to its folder.
        repository: in place of the file's; `model_config_name` then is not the file's either.
        model_config_name, model, images: in place of the file's.

    Raises:
        PerfError: it is not a scenario.
    """
    values = _parsed(path, _read(path))
    if repository is not None:
        values.update(repository=repository, model_config_name=None)
    given = {"model_config_name": model_config_name, "model": model, "images": images}
    values.update({key: value for key, value in given.items() if value is not None})
    for key in ("repository", "images", "title"):
        if key not in values:
            raise PerfError(f"{path}: {key} is missing; expected {_RULES[key].supported}")
    if ("concurrency" in values) == ("request_rate" in values):
        raise PerfError(f"{path}: expected either concurrency or request_rate, and not both")
    scenario = Scenario(name=path.stem, **values)
    if scenario.network != "served" and scenario.step is not None:
        raise PerfError(
            f"{path}: network is {scenario.network}, which measures what is around the network: "
            f"step is {scenario.step}, expected none, for the whole ensemble"
        )
    return scenario


def _read(path: Path) -> Mapping[Any, Any]:
    try:
        content = parse_yaml(path.read_bytes())
    except OSError as error:
        there = ", ".join(sorted(file.stem for file in SCENARIOS.glob("*.yaml")))
        raise PerfError(
            f"{path}: cannot be read: {error.strerror}; {SCENARIOS} has: {there}"
        ) from None
    except ValueError as error:
        raise PerfError(f"{path}: {error}") from None
    if not isinstance(content, Mapping):
        raise PerfError(f"{path}: expected `key: value` lines, found {type(content).__name__}")
    return content


def _parsed(path: Path, content: Mapping[Any, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in content.items():
        rule = _RULES.get(key) if isinstance(key, str) else None
        if rule is None:
            near = difflib.get_close_matches(str(key), _RULES, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(_RULES)}"
            raise PerfError(f"{path}: unknown key {key!r}; {hint}")
        try:
            values[key] = rule.parse(value)
        except ValueError:
            raise PerfError(f"{path}: {key} is {value!r}; expected {rule.supported}") from None
        if isinstance(values[key], Path):
            values[key] = Path(os.path.realpath(path.parent / values[key]))
    return values
