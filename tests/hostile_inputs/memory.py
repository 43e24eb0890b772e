"""The memory of a server and of all processes that it started."""

from __future__ import annotations

from pathlib import Path


def resident_bytes(process_group: int, field: str = "VmRSS") -> dict[str, int]:
    """What each process of a group holds in memory, by "pid name".

    Args:
        field: of /proc/PID/status: VmRSS, what it holds now, or VmHWM, the most it ever held.
    """
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = dict(
                line.split(":", 1) for line in (folder / "status").read_text().splitlines()
            )
            # The fifth field; the second, the name in parentheses, may hold spaces.
            group = int((folder / "stat").read_text().rpartition(")")[2].split()[2])
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            continue
        if group == process_group and field in status:
            name = f"{folder.name} {status['Name'].strip()}"
            found[name] = int(status[field].split()[0]) * 1024
    return found
