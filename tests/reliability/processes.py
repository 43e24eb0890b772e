"""What a server and its python models hold of the machine: memory, files, shared memory."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.reliability.service import children, command_line

SHARED_MEMORY = Path("/dev/shm")
PSS = re.compile(r"^Pss: +(\d+) kB$", re.MULTILINE)
PREFIX = re.compile(rb"shm-region-prefix-name=([^\0]+)")


@dataclass(frozen=True)
class Holdings:
    """Of a tritonserver and its python models together."""

    memory_mb: float
    """Proportional set size: pages shared by several processes count once."""
    files: int
    """Open file descriptors, sockets and pipes among them."""
    processes: int
    shared_memory_regions: int
    shared_memory_mb: float
    """Of all regions in /dev/shm."""


def holdings(server: int) -> Holdings:
    """What the tritonserver with this process id, and those below it, hold now."""
    processes = [server, *children(server)]
    prefix = PREFIX.search(command_line(server))
    assert prefix is not None, command_line(server)
    regions = list(SHARED_MEMORY.glob(f"{prefix[1].decode()}*"))
    kilobytes = [
        int(found[1])
        for process in processes
        if (found := PSS.search(Path(f"/proc/{process}/smaps_rollup").read_text()))
    ]
    return Holdings(
        memory_mb=sum(kilobytes) / 1024,
        files=sum(len(list(Path(f"/proc/{process}/fd").iterdir())) for process in processes),
        processes=len(processes),
        shared_memory_regions=len(regions),
        shared_memory_mb=sum(region.stat().st_blocks for region in regions) * 512 / 2**20,
    )
