"""The command that a tritonserver is started with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from server import access
from server.listen import Listen
from server.locate import Installation
from server.versions import client_shared_memory_options


@dataclass(frozen=True)
class Command:
    """What a tritonserver is told, whichever it is."""

    model_config_name: str | None
    listen: Listen
    access_key: str
    exit_timeout_secs: int
    shared_memory_prefix: str
    """Of the names of the regions in which its python models hand it tensors."""
    client_shared_memory: bool
    """Whether clients with the access key may hand it tensors in shared memory of their own."""
    further_options: Sequence[str]
    """They come last, and so have the last word on what is set here."""

    def words(self, installation: Installation, repository: Path) -> list[str]:
        """Returns the program and its options; the repository's path is a plain one."""
        words = [
            str(installation.binary),
            f"--model-repository={repository}",
            # Kept up with the models that did load, so that it can be asked about the others.
            "--exit-on-error=false",
            f"--exit-timeout-secs={self.exit_timeout_secs}",
            f"--backend-config=python,shm-region-prefix-name={self.shared_memory_prefix}",
            # Quantiles, which no Prometheus could make of the sums.
            "--metrics-config=summary_latencies=true",
            *access.options(self.access_key),
            *self.listen.options(),
        ]
        if installation.backends is not None:
            words.append(f"--backend-directory={installation.backends}")
        if self.model_config_name is not None:
            words.append(f"--model-config-name={self.model_config_name}")
        if self.client_shared_memory:
            words += client_shared_memory_options(installation)
        return [*words, *self.further_options]
