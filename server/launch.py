"""Starting a tritonserver on a model repository, watching it and ending it."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from artifact.proxies import without_proxy_for_this_machine
from server import access, shared_memory
from server.command import Command
from server.errors import ServerError
from server.health import (
    ModelState,
    instance_count,
    model_states,
    server_version,
    wait_until_open,
)
from server.listen import FREE_PORTS, Listen
from server.loading import ready_models, wait_until_loaded
from server.locate import find_tritonserver
from server.plain_path import PlainPath, check_options, plain_folder
from server.plans import check_plans
from server.process import Process
from server.repository import check_repository, config_names
from server.versions import known_faults

START_TIMEOUT_SECS = 300.0
EXIT_TIMEOUT_SECS = 30
# Beyond the time that Triton itself gives to requests in flight, for unloading the models.
UNLOAD_SECS = 10.0
METRICS_WITHIN_SECS = 2.0
# Read by pre- and postprocess: model_repository/*/1/request_report.py.
REQUEST_LOG = "RCNN_REQUEST_LOG"

logger = logging.getLogger(__name__)


class TritonServer:
    """A tritonserver on a model repository, running between ``start`` and ``stop``.

    As a context manager it starts on entry and stops on exit. It also ends by itself when the
    thread that started it ends, even by SIGKILL. That its models' processes live on is for
    `server.supervise` to see to: a test or a measurement had better notice that one has died.

    Args:
        repository: the folder with the models.
        model_config_name: models that have ``configs/<name>.pbtxt`` use it instead of
            ``config.pbtxt``; None for the default configurations.
        listen: the addresses to listen on, and TLS.
        access_key: opens what `server.access` closes; None for a random one.
        log_path: the file for all that the server and its models print; None for a temporary one,
            without a line for each request.
        start_timeout_secs: how long loading the models may take without a word in the log.
        exit_timeout_secs: how long ``stop`` waits for requests in flight.
        client_shared_memory: lets clients with the access key hand over tensors in shared memory.
        options: further options for tritonserver, the last word on those set here too.
    """

    access_key: str
    access_headers: dict[str, str]
    """The key as tritonclient's ``headers=`` takes it, for gRPC and HTTP alike."""
    log_path: Path
    models: list[str]
    """The models that are ready, in alphabetical order."""
    version: str
    """Triton's, such as 2.51.0; empty if it does not say it."""

    def __init__(
        self,
        repository: str | Path,
        *,
        model_config_name: str | None = None,
        listen: Listen = FREE_PORTS,
        access_key: str | None = None,
        log_path: str | Path | None = None,
        start_timeout_secs: float = START_TIMEOUT_SECS,
        exit_timeout_secs: int = EXIT_TIMEOUT_SECS,
        client_shared_memory: bool = False,
        options: Sequence[str] = (),
    ) -> None:
        self.access_key = access_key or access.new_key()
        self.access_headers = access.headers(self.access_key)
        self._repository = Path(repository)
        self._command = Command(
            model_config_name=model_config_name,
            listen=listen,
            access_key=self.access_key,
            exit_timeout_secs=exit_timeout_secs,
            shared_memory_prefix=f"mask-rcnn-triton-{uuid.uuid4().hex}-",
            client_shared_memory=client_shared_memory,
            further_options=options,
        )
        self._asked_log_path = log_path
        self._start_timeout_secs = start_timeout_secs
        self._cleanup = ExitStack()

    def start(self) -> None:
        """Returns when every model is ready.

        Raises:
            ServerError: something is missing, a port is taken, or a model failed to load; nothing
                is left running.
        """
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def restart(self) -> None:
        """Ends a running server at once, and starts it again on the same ports.

        The requests in flight are lost: their clients see the connection close. `stop` would
        wait for those that a dead python model was given, which Triton never counts as done.

        Raises:
            ServerError: a model no longer loads; nothing is left running.
        """
        try:
            self._end_process(grace_secs=0)
            self._launch()
            self._wait_until_loaded()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends the server and its python models, after the requests in flight; may be repeated."""
        self._cleanup.close()

    @property
    def grpc_url(self) -> str:
        """HOST:PORT, as tritonclient takes it."""
        return str(self._command.listen.grpc)

    @property
    def http_url(self) -> str:
        """HOST:PORT, as tritonclient takes it."""
        return str(self._command.listen.http)

    @property
    def metrics_url(self) -> str:
        """HOST:PORT of the page /metrics."""
        return str(self._command.listen.metrics)

    @property
    def process_id(self) -> int:
        """Of the running tritonserver."""
        return self._process.pid

    def as_asked(self, text: str) -> str:
        """Returns what tritonserver says, with the repository's path as it was given."""
        return self._served.restore(text)

    def instance_count(self, model: str) -> int | None:
        """How many instances of a model it has: 0 while it has not loaded it, None while it does
        not answer."""
        return instance_count(self._command.listen.http, model)

    def has_ended(self) -> bool:
        """Whether the server, once started, has ended by itself."""
        return self._process.has_ended()

    def __enter__(self) -> TritonServer:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _start(self) -> None:
        command, repository = self._command, self._repository
        self._in_repository = check_repository(repository, command.model_config_name)
        check_options(command.further_options)
        if command.listen.tls is not None:
            command.listen.tls.check()
        if shortage := shared_memory.shortage():
            logger.warning("warning: %s", shortage)
        scratch = self._cleanup.enter_context(plain_folder())
        self._served = PlainPath.of(repository, scratch / "repository")
        self._installation = find_tritonserver(scratch, os.environ)
        check_plans(repository, command.model_config_name, self._installation)
        self.log_path = Path(self._asked_log_path or scratch / "tritonserver.log")
        try:
            self._log = self._cleanup.enter_context(self.log_path.open("wb"))
        except OSError as error:
            raise ServerError(f"cannot write the log {self.log_path}: {error.strerror}") from None
        # For as long as it runs, so that nobody takes the ports while it restarts.
        listen = self._cleanup.enter_context(command.listen.reserved())
        self._command = replace(command, listen=listen)
        source, log_path = self._installation.source, self.log_path
        logger.info("Starting tritonserver %s on %s; log: %s", source, repository, log_path)
        self._launch()
        self._cleanup.callback(self._stop_process)
        self._wait_until_loaded()
        self.version = server_version(listen.http)
        if (faults := known_faults(self.version)) and not listen.is_local():
            logger.warning("warning: others reach Triton %s, which %s", self.version, faults)

    def _launch(self) -> None:
        # Its traces may be for a collector on this machine.
        environment = without_proxy_for_this_machine(self._installation.environment)
        if self._asked_log_path is None:
            # Nobody reads it then, so it is not to grow with every request.
            environment = {REQUEST_LOG: "none", **environment}
        command = self._command.words(self._installation, self._served.plain)
        self._process = Process(command, environment, self._log)

    def _wait_until_loaded(self) -> None:
        has_name = self._command.model_config_name is not None
        unused = [] if has_name else config_names(self._repository)
        try:
            states = wait_until_loaded(
                self._process,
                self._model_states,
                self._in_repository,
                self.log_path,
                self._start_timeout_secs,
            )
            self.models = ready_models(states, self._in_repository, self.log_path, unused)
        except ServerError as error:
            raise ServerError(self.as_asked(str(error))) from None
        shared_memory.hide_regions(self._command.shared_memory_prefix)
        # Triton opens it last; not at all where it was told to have no metrics.
        wait_until_open(self._command.listen.metrics, METRICS_WITHIN_SECS)

    def _model_states(self) -> list[ModelState] | None:
        return model_states(self._command.listen.http, self.access_headers)

    def _stop_process(self) -> None:
        logger.info("Stopping tritonserver")
        self._end_process(grace_secs=self._command.exit_timeout_secs + UNLOAD_SECS)

    def _end_process(self, grace_secs: float) -> None:
        try:
            self._process.end(grace_secs)
        finally:
            shared_memory.remove_regions(self._command.shared_memory_prefix)
