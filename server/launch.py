"""Starting a tritonserver on a model repository, watching it and ending it."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from server import failures, shared_memory
from server.errors import ServerError
from server.health import model_states
from server.locate import Installation, find_tritonserver
from server.log import LogReader, noteworthy_lines
from server.plan_check import check_plans
from server.ports import reserve
from server.repository import check_repository, config_names

DIE_WITH_PARENT = Path(__file__).with_name("die_with_parent.py")
POLL_SECS = 0.1
PROGRESS_SECS = 5.0
# Beyond the time that Triton itself gives to requests in flight, for unloading the models.
UNLOAD_SECS = 10.0

logger = logging.getLogger(__name__)


class TritonServer:
    """A tritonserver on a model repository, running between ``start`` and ``stop``.

    As a context manager it starts on entry and stops on exit. It also ends by itself when the
    thread that started it ends, even by SIGKILL.

    Args:
        repository: the folder with the models.
        model_config_name: models that have ``configs/<name>.pbtxt`` use it instead of
            ``config.pbtxt``; None for the default configurations.
        host: the address to listen on.
        http_port, grpc_port, metrics_port: 0 takes a free one.
        log_path: the file for all that the server and its models print; None for a temporary one.
        start_timeout_secs: how long loading the models may take.
        exit_timeout_secs: how long ``stop`` waits for requests in flight.
        options: further options for tritonserver, the last word on those set here too.
    """

    http_url: str
    grpc_url: str
    metrics_url: str
    log_path: Path
    models: list[str]
    """The models that are ready, in alphabetical order."""

    def __init__(
        self,
        repository: str | Path,
        *,
        model_config_name: str | None = None,
        host: str = "127.0.0.1",
        http_port: int = 0,
        grpc_port: int = 0,
        metrics_port: int = 0,
        log_path: str | Path | None = None,
        start_timeout_secs: float = 300.0,
        exit_timeout_secs: int = 30,
        options: Sequence[str] = (),
    ) -> None:
        self._repository = Path(repository)
        self._model_config_name = model_config_name
        self._host = host
        self._ports = {"http": http_port, "grpc": grpc_port, "metrics": metrics_port}
        self._asked_log_path = log_path
        self._start_timeout_secs = start_timeout_secs
        self._exit_timeout_secs = exit_timeout_secs
        self._options = options
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

    def stop(self) -> None:
        """Ends the server and its python models, after the requests in flight; may be repeated."""
        self._cleanup.close()

    def __enter__(self) -> TritonServer:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def follow_log(self) -> Iterator[str]:
        """Yields the noteworthy lines of the log, from its beginning until the server ends."""
        with LogReader(self.log_path) as log:
            while not self._has_exited():
                yield from log.new_lines()
                time.sleep(POLL_SECS)
            yield from log.new_lines()

    def _start(self) -> None:
        models = check_repository(self._repository, self._model_config_name)
        if shortage := shared_memory.shortage():
            logger.warning("warning: %s", shortage)
        scratch = Path(
            self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="mask-rcnn-triton-"))
        )
        installation = find_tritonserver(scratch, os.environ)
        check_plans(self._repository, self._model_config_name, installation)
        self.log_path = Path(self._asked_log_path or scratch / "tritonserver.log")
        source, log_path = installation.source, self.log_path
        logger.info("Starting tritonserver %s on %s; log: %s", source, self._repository, log_path)
        with ExitStack() as reservations:
            ports = {
                protocol: reservations.enter_context(
                    reserve(self._host, port, f"--{protocol}-port")
                ).getsockname()[1]
                for protocol, port in self._ports.items()
            }
            self.http_url, self.grpc_url, self.metrics_url = (
                f"{self._host}:{port}" for port in ports.values()
            )
            self._launch(installation, ports)
            self._wait_until_loaded(models, ports["http"])

    def _launch(self, installation: Installation, ports: dict[str, int]) -> None:
        shared_memory_prefix = f"mask-rcnn-triton-{uuid.uuid4().hex}-"
        command = [
            *(sys.executable, "-I", "-S", str(DIE_WITH_PARENT), str(os.getpid())),
            str(installation.binary),
            f"--model-repository={self._repository}",
            # Kept up with the models that did load, so that it can be asked about the others.
            "--exit-on-error=false",
            f"--exit-timeout-secs={self._exit_timeout_secs}",
            f"--backend-config=python,shm-region-prefix-name={shared_memory_prefix}",
        ]
        for protocol, port in ports.items():
            command += [f"--{protocol}-address={self._host}", f"--{protocol}-port={port}"]
        if installation.backends is not None:
            command.append(f"--backend-directory={installation.backends}")
        if self._model_config_name is not None:
            command.append(f"--model-config-name={self._model_config_name}")
        try:
            log = self.log_path.open("wb")
        except OSError as error:
            raise ServerError(f"cannot write the log {self.log_path}: {error.strerror}") from None
        with log:
            self._process = subprocess.Popen(
                [*command, *self._options],
                env=installation.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A process group of its own: Ctrl-C in the terminal is for the launcher alone.
                start_new_session=True,
            )
        self._cleanup.callback(shared_memory.remove_regions, shared_memory_prefix)
        self._cleanup.callback(self._end_process)

    def _wait_until_loaded(self, models: list[str], http_port: int) -> None:
        started = time.monotonic()
        reported = 0.0
        while (states := model_states(self._host, http_port)) is None:
            elapsed = time.monotonic() - started
            if self._has_exited():
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
                logger.info("Loading %s ... %.0f s", ", ".join(models), elapsed)
            time.sleep(POLL_SECS)
        log = noteworthy_lines(self.log_path)
        if failed := failures.model_failures(models, states, log):
            unused = config_names(self._repository) if self._model_config_name is None else []
            raise ServerError(failures.describe_model_failures(failed, log, unused))
        self.models = sorted({state.name for state in states if state.state == "READY"})

    def _has_exited(self) -> bool:
        # WNOWAIT leaves its id in use, so that no signal sent to it later can reach a stranger.
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self._process.pid, flags) is not None

    def _end_process(self) -> None:
        group = self._process.pid
        logger.info("Stopping tritonserver")
        try:
            os.kill(group, signal.SIGTERM)
            deadline = time.monotonic() + self._exit_timeout_secs + UNLOAD_SECS
            while not self._has_exited() and time.monotonic() < deadline:
                time.sleep(POLL_SECS)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
            self._process.wait()
