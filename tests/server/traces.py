"""What a running server may leave behind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Traces:
    """The processes of a running server and of its models, and their shared memory regions."""

    processes: dict[int, str]
    """Command line by process id."""
    regions: list[Path]

    @classmethod
    def of(cls, repository: Path) -> Traces:
        """Finds them by the repository's path, which tritonserver and every stub are given."""
        processes = {}
        for path in Path("/proc").glob("[0-9]*"):
            command_line = _command_line(int(path.name))
            if str(repository) in command_line:
                processes[int(path.name)] = command_line
        words = " ".join(processes.values()).split()
        return cls(processes, [path for path in Path("/dev/shm").iterdir() if path.name in words])

    def left(self) -> list[str]:
        """Returns those that are still there."""
        alive = [line for pid, line in self.processes.items() if _command_line(pid) == line]
        return alive + [str(region) for region in self.regions if region.exists()]


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:  # it has ended
        return ""
