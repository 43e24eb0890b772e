"""TCP ports for a server that is about to start."""

from __future__ import annotations

import errno
import ipaddress
import socket
from pathlib import Path

from server.errors import ServerError

LISTEN = "0A"  # TCP_LISTEN of linux/tcp_states.h, as /proc/net/tcp prints it


def reserve(host: str, port: int, option: str) -> socket.socket:
    """Binds a socket to ``port`` of ``host``, 0 for any free one, without listening.

    The kernel gives a bound port to nobody else who asks for a free one, and yet lets
    tritonserver, which sets SO_REUSEADDR as this does, listen on it. Close the socket once it does.

    Args:
        option: the option of ``python -m server`` that sets this port, for the message.

    Raises:
        ServerError: the port is taken, or the address is not one of this machine.
    """
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        reserved.bind((host, port))
    except OSError as error:
        reserved.close()
        if error.errno != errno.EADDRINUSE:
            raise ServerError(f"cannot listen on {host}:{port}: {error.strerror}") from None
        raise ServerError(
            f"port {port} is taken by {holder(port) or 'the process of another user'}; stop that "
            f"one or choose another port ({option} 0 takes a free one)"
        ) from None
    return reserved


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def holder(port: int) -> str | None:
    """Names the process that listens on ``port``, if /proc shows it to this user."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(fd.readlink()) in sockets for fd in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
        except OSError:  # ended meanwhile, or another user's
            continue
    return None


def _listening_inodes(port: int) -> list[str]:
    inodes = []
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for row in table.read_text().splitlines()[1:]:
            fields = row.split()
            local_address, state, inode = fields[1], fields[3], fields[9]
            if state == LISTEN and int(local_address.rpartition(":")[2], 16) == port:
                inodes.append(inode)
    return inodes
