"""Starting a tritonserver on a model repository, watching it and ending it."""

from __future__ import annotations

import logging
import os
import tempfile
import time
import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from server import access, failures, shared_memory
from server.errors import ServerError
from server.health import ModelState, model_states
from server.locate import find_tritonserver
from server.log import noteworthy_lines
from server.plans import check_plans
from server.ports import is_loopback, reserve
from server.process import Process
from server.repository import check_repository, config_names
from server.tls import Tls

POLL_SECS = 0.1
PROGRESS_SECS = 5.0
# Beyond the time that Triton itself gives to requests in flight, for unloading the models.
UNLOAD_SECS = 10.0

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
        host: the address to listen on for requests.
        http_host: that of HTTP; None for ``host``, or with TLS, which Triton has for gRPC alone,
            for 127.0.0.1.
        metrics_host: that of the metrics.
        http_port, grpc_port, metrics_port: 0 takes a free one.
        access_key: opens what `server.access` closes; None for a random one.
        tls: what gRPC is encrypted with; None for plain text.
        log_path: the file for all that the server and its models print; None for a temporary one,
            without a line for each request.
        start_timeout_secs: how long loading the models may take.
        exit_timeout_secs: how long ``stop`` waits for requests in flight.
        options: further options for tritonserver, the last word on those set here too.
    """

    http_url: str
    grpc_url: str
    metrics_url: str
    access_key: str
    access_headers: dict[str, str]
    """The key as tritonclient's ``headers=`` takes it, for gRPC and HTTP alike."""
    log_path: Path
    models: list[str]
    """The models that are ready, in alphabetical order."""

    def __init__(
        self,
        repository: str | Path,
        *,
        model_config_name: str | None = None,
        host: str = "127.0.0.1",
        http_host: str | None = None,
        metrics_host: str = "127.0.0.1",
        http_port: int = 0,
        grpc_port: int = 0,
        metrics_port: int = 0,
        access_key: str | None = None,
        tls: Tls | None = None,
        log_path: str | Path | None = None,
        start_timeout_secs: float = 300.0,
        exit_timeout_secs: int = 30,
        options: Sequence[str] = (),
    ) -> None:
        self._repository = Path(repository)
        self._model_config_name = model_config_name
        self._hosts = {
            "http": http_host or ("127.0.0.1" if tls else host),
            "grpc": host,
            "metrics": metrics_host,
        }
        self._ports = {"http": http_port, "grpc": grpc_port, "metrics": metrics_port}
        self.access_key = access_key or access.new_key()
        self.access_headers = access.headers(self.access_key)
        self._tls = tls
        self._asked_log_path = log_path
        self._start_timeout_secs = start_timeout_secs
        self._exit_timeout_secs = exit_timeout_secs
        self._options = options
        self._shared_memory_prefix = f"mask-rcnn-triton-{uuid.uuid4().hex}-"
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
    def process_id(self) -> int:
        """Of the running tritonserver."""
        return self._process.pid

    def has_ended(self) -> bool:
        """Whether the server, once started, has ended by itself."""
        return self._process.has_ended()

    def __enter__(self) -> TritonServer:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _start(self) -> None:
        self._in_repository = check_repository(self._repository, self._model_config_name)
        if self._tls is not None:
            self._tls.check()
        if shortage := shared_memory.shortage():
            logger.warning("warning: %s", shortage)
        scratch = Path(
            self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="mask-rcnn-triton-"))
        )
        self._installation = find_tritonserver(scratch, os.environ)
        warning = self._installation.exposure_warning
        if warning and not all(map(is_loopback, self._hosts.values())):
            logger.warning("warning: %s", warning)
        check_plans(self._repository, self._model_config_name, self._installation)
        self.log_path = Path(self._asked_log_path or scratch / "tritonserver.log")
        try:
            self._log = self._cleanup.enter_context(self.log_path.open("wb"))
        except OSError as error:
            raise ServerError(f"cannot write the log {self.log_path}: {error.strerror}") from None
        # For as long as it runs, so that nobody takes them while it restarts.
        for protocol, port in self._ports.items():
            reserved = reserve(self._hosts[protocol], port, f"--{protocol}-port")
            self._ports[protocol] = self._cleanup.enter_context(reserved).getsockname()[1]
        self.http_url, self.grpc_url, self.metrics_url = (
            f"{self._hosts[protocol]}:{port}" for protocol, port in self._ports.items()
        )
        source, log_path = self._installation.source, self.log_path
        logger.info("Starting tritonserver %s on %s; log: %s", source, self._repository, log_path)
        self._launch()
        self._cleanup.callback(self._stop_process)
        self._wait_until_loaded()

    def _launch(self) -> None:
        installation = self._installation
        command = [
            str(installation.binary),
            f"--model-repository={self._repository}",
            # Kept up with the models that did load, so that it can be asked about the others.
            "--exit-on-error=false",
            f"--exit-timeout-secs={self._exit_timeout_secs}",
            f"--backend-config=python,shm-region-prefix-name={self._shared_memory_prefix}",
            # Quantiles, which no Prometheus could make of the sums.
            "--metrics-config=summary_latencies=true",
            *access.options(self.access_key),
        ]
        for protocol, port in self._ports.items():
            command.append(f"--{protocol}-address={self._hosts[protocol]}")
            command.append(f"--{protocol}-port={port}")
        if self._tls is not None:
            command += self._tls.options()
        if installation.backends is not None:
            command.append(f"--backend-directory={installation.backends}")
        if self._model_config_name is not None:
            command.append(f"--model-config-name={self._model_config_name}")
        environment = installation.environment
        if self._asked_log_path is None:
            # Nobody reads it then, so it is not to grow with every request.
            environment = {"MASK_RCNN_REQUEST_LOG": "none", **environment}
        self._process = Process([*command, *self._options], environment, self._log)

    def _wait_until_loaded(self) -> None:
        started = time.monotonic()
        reported = 0.0
        while (states := self._model_states()) is None:
            elapsed = time.monotonic() - started
            if self.has_ended():
                raise ServerError(
                    "tritonserver ended while it started; the end of its log:\n"
                    + failures.describe_end_of_log(noteworthy_lines(self.log_path))
                )
            if elapsed > self._start_timeout_secs:
                raise ServerError(
                    f"tritonserver has not loaded its models in {elapsed:.0f} s; the end of its "
                    "log:\n" + failures.describe_end_of_log(noteworthy_lines(self.log_path))
                )
            if elapsed - reported >= PROGRESS_SECS:
                reported = elapsed
                logger.info("Loading %s ... %.0f s", ", ".join(self._in_repository), elapsed)
            time.sleep(POLL_SECS)
        log = noteworthy_lines(self.log_path)
        if failed := failures.model_failures(self._in_repository, states, log):
            unused = config_names(self._repository) if self._model_config_name is None else []
            raise ServerError(failures.describe_model_failures(failed, log, unused))
        shared_memory.hide_regions(self._shared_memory_prefix)
        self.models = sorted({state.name for state in states if state.state == "READY"})

    def _model_states(self) -> list[ModelState] | None:
        return model_states(self._hosts["http"], self._ports["http"], self.access_headers)

    def _stop_process(self) -> None:
        logger.info("Stopping tritonserver")
        self._end_process(grace_secs=self._exit_timeout_secs + UNLOAD_SECS)

    def _end_process(self, grace_secs: float) -> None:
        try:
            self._process.end(grace_secs)
        finally:
            shared_memory.remove_regions(self._shared_memory_prefix)
