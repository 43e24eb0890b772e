"""The server that a scenario is run against."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from artifact.names import ModelNames
from perf.connection import Connection
from perf.errors import PerfError
from perf.recorded.repository import fill_all_places, record, write_recorded_repository
from perf.scenario import Scenario
from server import access
from server.launch import TritonServer


@dataclass(frozen=True)
class Target:
    """A server that is ready to be measured."""

    connection: Connection
    metrics_url: str | None
    """None for a server that was not started here: its metrics may be at any port."""
    access_headers: Mapping[str, str]
    """Those that let shared memory be registered; empty if its key is not known."""


def check_build(where: str, names: ModelNames, models: Collection[str]) -> None:
    """Checks that a build is among the models of a repository or of a server.

    Args:
        where: the repository or the server, for the message.
        names: of the build.
        models: the names of those that are there.

    Raises:
        PerfError: a model of it is missing.
    """
    missing = [name for name in names if name not in models]
    if missing:
        builds = sorted(name for name in models if set(ModelNames(name)) <= set(models))
        raise PerfError(
            f"{where}: no build {names.ensemble} there: without {', '.join(missing)}. "
            f"Builds there: {', '.join(builds) or 'none'}; --model says which is measured"
        )


@contextmanager
def running_server(url: str, names: ModelNames, access_key: str | None) -> Iterator[Target]:
    """The server at this gRPC address, which somebody else started.

    Args:
        url: "HOST:PORT".
        names: of the build that is measured there.
        access_key: see `server.access`; None if there is none or it is not known.

    Raises:
        PerfError: none answers there, or it does not serve the build.
    """
    with Connection(url, names) as connection:
        try:
            models = connection.loaded_models()
        except PerfError as error:
            raise PerfError(
                f"{error}\n--url is HOST:PORT of a Triton server's gRPC; `python -m server "
                "--repository DIR` starts one, and without --url one is started here"
            ) from None
        check_build(f"the server at {url}", names, models)
        yield Target(
            connection,
            metrics_url=None,
            access_headers={} if access_key is None else access.headers(access_key),
        )


@contextmanager
def own_server(scenario: Scenario, pictures: Sequence[Path], log: Path) -> Iterator[Target]:
    """A server of the scenario's own on free ports, until the context ends.

    Args:
        scenario: what is measured.
        pictures: whose answers are recorded, where the scenario asks for a recorded network.
        log: the file for what the server prints.

    Raises:
        ServerError: it cannot be started.
        PerfError: the network's answers cannot be recorded.
    """
    name = scenario.model_config_name
    with TemporaryDirectory(prefix="mask-rcnn-perf-") as temporary:
        repository = scenario.repository
        if scenario.network != "served":
            repository = Path(temporary)
            _record(scenario, pictures, repository)
        with (
            TritonServer(
                repository,
                model_config_name=name,
                log_path=log,
                client_shared_memory=scenario.transport == "system_shared_memory",
            ) as server,
            Connection(server.grpc_url, scenario.names) as connection,
        ):
            yield Target(connection, f"{server.metrics_url}/metrics", server.access_headers)


def _record(scenario: Scenario, pictures: Sequence[Path], folder: Path) -> None:
    name = scenario.model_config_name
    with (
        TritonServer(scenario.repository, model_config_name=name) as server,
        Connection(server.grpc_url, scenario.names) as connection,
    ):
        answers = record(connection, pictures)
        if scenario.network == "recorded_full":
            answers = fill_all_places(answers)
        write_recorded_repository(folder, scenario.repository, name, connection, answers)
