"""Ray for the time of a run: its own on this machine, or a cluster's."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import ray

from client.errors import ClientError

_OBJECT_STORE_BYTES = 512 * 2**20
_CPUS_BESIDE_WORKERS = 2
"""For what reads the list, leaves out what is finished, and writes."""
_LONGEST_FOLDER = 40
"""Of Ray's sockets' paths, which may have 107 bytes, Ray needs the rest."""


@contextmanager
def ray_session(address: str | None, *, workers: int) -> Iterator[None]:
    """Connect to a cluster, or run Ray here, without its dashboard.

    Args:
        address: of the cluster, as `ray.init` takes it; None for this machine.
        workers: how many actors there will be.

    Raises:
        ClientError: the cluster cannot be reached or is too small, or Ray cannot be started.
    """
    if address is None:
        with tempfile.TemporaryDirectory(prefix="bulk-", ignore_cleanup_errors=True) as folder:
            if len(os.fsencode(folder)) > _LONGEST_FOLDER:
                raise ClientError(
                    f"Ray's sockets cannot be in {folder}, whose path is too long: set TMPDIR to a "
                    f"folder with a path of {_LONGEST_FOLDER - 15} bytes at most, such as /tmp"
                )
            with _connected(
                address="local",
                num_cpus=workers + _CPUS_BESIDE_WORKERS,
                object_store_memory=_OBJECT_STORE_BYTES,
                include_dashboard=False,
                _temp_dir=folder,
            ):
                yield
    else:
        with _connected(address=address):
            cpus, needed = (
                int(ray.cluster_resources().get("CPU", 0)),
                workers + _CPUS_BESIDE_WORKERS,
            )
            if cpus < needed:
                raise ClientError(
                    f"--workers {workers} need a cluster with {needed} CPUs, and {address} has "
                    f"{cpus}: with all of them taken, nothing would be written"
                )
            yield


def cause_of(error: Exception) -> str:
    """What went wrong in a task, without Ray's words around it."""
    return str(getattr(error, "cause", None) or error.__cause__ or error)


@contextmanager
def _connected(**options: object) -> Iterator[None]:
    # What fails is raised, too; without its tracebacks.
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    try:
        ray.init(logging_level=logging.ERROR, **options)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        raise ClientError(f"cannot use Ray at {options['address']}: {error}") from error
    try:
        yield
    finally:
        ray.shutdown()
