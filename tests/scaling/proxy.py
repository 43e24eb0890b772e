"""HAProxy with the files of deploy/haproxy, as a process of this user."""

from __future__ import annotations

import csv
import http.client
import os
import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.reliability.service import ROOT, wait_until

HAPROXY_FOLDER = ROOT / "deploy" / "haproxy"
IN_USE = "UP"
SUMS = ("FRONTEND", "BACKEND")


class Proxy:
    """A running one, until `stop`.

    Args:
        servers: machines.cfg or cluster.cfg, or one like it.
        environment: what `servers` asks for.
        folder: an existing one, for its socket and what it prints.
    """

    def __init__(self, servers: Path, environment: Mapping[str, str], folder: Path) -> None:
        self._socket = folder / "haproxy.sock"
        self.url, self._status_url = (f"127.0.0.1:{port}" for port in free_ports(2))
        with (folder / "haproxy.txt").open("wb") as printed:
            self._process = subprocess.Popen(
                [haproxy(), "-db", "-f", HAPROXY_FOLDER / "haproxy.cfg", "-f", servers],
                env={
                    **os.environ,
                    **environment,
                    "PROXY_ADDRESS": self.url,
                    "STATUS_ADDRESS": self._status_url,
                    "HAPROXY_SOCKET": str(self._socket),
                },
                stdout=printed,
                stderr=subprocess.STDOUT,
            )

    def wait_for(self, *addresses: str) -> None:
        """Returns when exactly the servers at these addresses are in use."""
        wait_until(lambda: self.in_use() == set(addresses), f"{addresses} are in use")

    def in_use(self) -> set[str]:
        """The IP addresses of the servers that get requests now."""
        return {
            row["addr"].rpartition(":")[0] for row in self._servers() if row["status"] == IN_USE
        }

    def in_flight_elsewhere(self) -> int:
        """Requests that servers have which get no more of them."""
        return sum(int(row["scur"]) for row in self._servers() if row["status"] != IN_USE)

    def set_state(self, server: str, state: str) -> None:
        """By hand, of a server of machines.cfg: drain or ready."""
        assert self.command(f"set server triton/{server} state {state}").strip() == ""

    def command(self, text: str) -> str:
        """Sends a line to HAPROXY_SOCKET; returns the answer."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self._socket))
            connection.sendall(f"{text}\n".encode())
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode()

    def _servers(self) -> list[dict[str, str]]:
        if not self._socket.exists():
            return []
        rows = csv.DictReader(self.command("show stat").removeprefix("# ").splitlines())
        return [row for row in rows if row["pxname"] == "triton" and row["svname"] not in SUMS]

    def status(self, path: str) -> tuple[int, str]:
        """HTTP code and text of a path of STATUS_ADDRESS."""
        connection = http.client.HTTPConnection(self._status_url, timeout=10)
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()

    def stop(self) -> None:
        """At once."""
        self._process.terminate()
        self._process.wait()


def haproxy() -> str:
    """The program; a test that needs it is skipped where there is none."""
    # Debian keeps it where only root's PATH looks.
    path = shutil.which("haproxy", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"]))
    if path is None:
        pytest.skip("HAProxy is not installed: sudo apt-get install haproxy")
    return path


def free_ports(count: int, address: str = "127.0.0.1") -> list[int]:
    """Ports that nobody listens on at the moment."""
    sockets = [socket.create_server((address, 0)) for _ in range(count)]
    try:
        return [it.getsockname()[1] for it in sockets]
    finally:
        for it in sockets:
            it.close()
