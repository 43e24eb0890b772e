"""Scenario files: what is measured, under which load, and how carefully."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from builder.repository.models import ENSEMBLE, NAMES
from perf.errors import PerfError

SCENARIOS = Path(__file__).with_name("scenarios")

NETWORKS = ("served", "recorded", "recorded_full")
TRANSPORTS = ("plain", "system_shared_memory")
REQUEST_DISTRIBUTIONS = ("poisson", "constant")


@dataclass(frozen=True)
class Scenario:
    """One scenario file, with the defaults filled in.

    Every field but `name` is a key of the file. Each entry of `concurrency` or of `request_rate`
    is one measurement.
    """

    name: str
    """The file's name without ``.yaml``."""
    repository: Path
    images: Path
    title: str
    model_config_name: str | None = None
    """``configs/<name>.pbtxt`` in place of ``config.pbtxt``."""
    model: str = ENSEMBLE
    """The model that requests are sent to."""
    network: str = "served"
    """"recorded": mask_rcnn_network answers from its own recorded outputs, without delay;
    "recorded_full": the same with every place for a detection taken."""
    concurrency: tuple[int, ...] = ()
    """Requests in flight at once."""
    request_rate: tuple[float, ...] = ()
    """Requests per second, in place of `concurrency`."""
    request_distribution: str = "poisson"
    """The intervals between the requests of a `request_rate`."""
    repeat: int = 1
    """How many times the list of loads is measured."""
    batch: int = 1
    """Pictures in a request."""
    transport: str = "plain"
    """"plain": tensors travel inside the gRPC messages. With "system_shared_memory" only one
    perf_analyzer at a time can run on a machine."""
    pictures: int = 16
    """How many of the folder's pictures take turns."""
    percentile: int = 95
    """Of the latency, for the decision whether a measurement is stable."""
    window_requests: int = 100
    """Requests in a window, at least; a measurement is the last three windows."""
    stability_percent: float = 10.0
    """By how much three windows may differ to be called stable."""
    max_windows: int = 10
    """After so many, a load is called unstable."""

    @property
    def load_kind(self) -> str:
        """The key that holds the loads: "concurrency" or "request_rate"."""
        return "concurrency" if self.concurrency else "request_rate"

    @property
    def loads(self) -> tuple[float, ...]:
        """The loads in the order in which they are measured."""
        return (self.concurrency or self.request_rate) * self.repeat


class Rule(NamedTuple):
    """What the value of a key may be."""

    expected: str
    """In words, for the message that refuses another value."""
    parse: Callable[[Any], Any]
    """Returns the value as the field's type; raises ValueError for a value that is refused."""


def load_scenario(
    path: Path,
    *,
    repository: Path | None = None,
    model_config_name: str | None = None,
    images: Path | None = None,
) -> Scenario:
    """Reads a scenario file.

    Args:
        path: the YAML file; paths in it are relative to its folder.
        repository: in place of the file's; `model_config_name` then is not the file's either.
        model_config_name, images: in place of the file's.

    Raises:
        PerfError: it is not a scenario.
    """
    values = _parsed(path, _read(path))
    if repository is not None:
        values.update(repository=repository, model_config_name=None)
    if model_config_name is not None:
        values["model_config_name"] = model_config_name
    if images is not None:
        values["images"] = images
    for key in ("repository", "images", "title"):
        if key not in values:
            raise PerfError(f"{path}: {key} is missing; expected {_RULES[key].expected}")
    if ("concurrency" in values) == ("request_rate" in values):
        raise PerfError(f"{path}: expected either concurrency or request_rate, and not both")
    scenario = Scenario(name=path.stem, **values)
    if scenario.network != "served" and scenario.model != ENSEMBLE:
        raise PerfError(
            f"{path}: network is {scenario.network}, which measures what is around the network: "
            f"model is {scenario.model}, expected {ENSEMBLE}"
        )
    return scenario


def _read(path: Path) -> Mapping[Any, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        there = ", ".join(sorted(file.stem for file in SCENARIOS.glob("*.yaml")))
        raise PerfError(f"{path}: cannot be read: {reason}; {SCENARIOS} has: {there}") from None
    except yaml.YAMLError as error:
        raise PerfError(f"{path}: is not YAML: {error}") from None
    if not isinstance(content, Mapping):
        raise PerfError(f"{path}: expected `key: value` lines, found {type(content).__name__}")
    return content


def _parsed(path: Path, content: Mapping[Any, Any]) -> dict[str, Any]:
    values = {}
    for key, value in content.items():
        rule = _RULES.get(key) if isinstance(key, str) else None
        if rule is None:
            near = difflib.get_close_matches(str(key), _RULES, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(_RULES)}"
            raise PerfError(f"{path}: unknown key {key!r}; {hint}")
        try:
            values[key] = rule.parse(value)
        except ValueError:
            raise PerfError(f"{path}: {key} is {value!r}; expected {rule.expected}") from None
        if isinstance(values[key], Path):
            values[key] = (path.parent / values[key].expanduser()).resolve()
    return values


def _text() -> Rule:
    def parse(value: object) -> str:
        if not isinstance(value, str) or not value.strip():
            raise ValueError
        return value.strip()

    return Rule("a text", parse)


def _path() -> Rule:
    return Rule("a folder", lambda value: Path(_text().parse(value)))


def _one_of(*choices: str) -> Rule:
    def parse(value: object) -> str:
        if not isinstance(value, str) or value not in choices:
            raise ValueError
        return value

    return Rule(f"one of {', '.join(choices)}", parse)


def _integer(least: int, most: int) -> Rule:
    def parse(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError
        return value

    return Rule(f"a whole number from {least} to {most}", parse)


def _number(above: float, most: float) -> Rule:
    def parse(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError
        if not above < value <= most:
            raise ValueError
        return float(value)

    return Rule(f"a number above {above:g}, up to {most:g}", parse)


def _one_or_more(rule: Rule) -> Rule:
    def parse(value: object) -> tuple[Any, ...]:
        values = value if isinstance(value, list) else [value]
        if not values:
            raise ValueError
        return tuple(rule.parse(entry) for entry in values)

    return Rule(f"{rule.expected}, or a list of such", parse)


_RULES: dict[str, Rule] = {
    "repository": _path(),
    "images": _path(),
    "title": _text(),
    "model_config_name": _text(),
    "model": _one_of(*NAMES),
    "network": _one_of(*NETWORKS),
    "concurrency": _one_or_more(_integer(1, 1024)),
    "request_rate": _one_or_more(_number(0, 100_000)),
    "request_distribution": _one_of(*REQUEST_DISTRIBUTIONS),
    "repeat": _integer(1, 10_000),
    "batch": _integer(1, 128),
    "transport": _one_of(*TRANSPORTS),
    "pictures": _integer(1, 10_000),
    "percentile": _integer(1, 99),
    "window_requests": _integer(1, 1_000_000),
    "stability_percent": _number(0, 1000),
    "max_windows": _integer(3, 1000),
}
assert set(_RULES) == {field.name for field in dataclasses.fields(Scenario)} - {"name"}
