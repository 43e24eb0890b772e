"""The processes of python models: tritonserver's children, one for each instance of a model.

When one dies, Triton 2.51 neither reaps nor replaces it. It goes on giving it requests, which it
refuses after a second each ("Stub process … is not healthy"), while all its health endpoints say
that it is ready.
"""

from __future__ import annotations

from pathlib import Path

PROGRAM = "triton_python_backend_stub"
ZOMBIE = "Z"  # proc_pid_stat(5)


class StubWatch:
    """Finds the dead among the python models' processes of a running tritonserver.

    It knows those that were alive when it was made, or at a later call.

    Args:
        server: the process id of tritonserver.
    """

    def __init__(self, server: int) -> None:
        self._server = server
        self._models: dict[int, str] = {}
        self._zombies = self._look()

    def dead_models(self) -> list[str]:
        """Returns the models of which a process has died; to be called again and again.

        A dead process has no name any more, so only those are known that were once seen alive. One
        is dead when two looks in a row find it so: what Triton itself ends, to unload a model, is
        reaped in between.
        """
        zombies = self._look()
        dead = zombies & self._zombies & self._models.keys()
        self._zombies = zombies
        return sorted({self._models[process] for process in dead})

    def _look(self) -> set[int]:
        """Notes the models of living processes; returns the dead ones."""
        zombies = set()
        for process in _children(self._server):
            if _state(process) == ZOMBIE:
                zombies.add(process)
            elif model := _model(process):
                self._models[process] = model
        return zombies


def _children(process: int) -> list[int]:
    children: list[int] = []
    for thread in Path(f"/proc/{process}/task").glob("*/children"):
        children += map(int, _read(thread).split())
    return children


def _state(process: int) -> str:
    # The name before it, in parentheses, may itself hold parentheses and spaces.
    return _read(Path(f"/proc/{process}/stat")).rpartition(") ")[2][:1]


def _model(process: int) -> str | None:
    """The model that a process was started for, None if it is not of a python model."""
    program, _, rest = _read(Path(f"/proc/{process}/cmdline")).partition("\0")
    if Path(program).name != PROGRAM:
        return None
    # <repository>/<model>/<version>/model.py
    return Path(rest.partition("\0")[0]).parts[-3]


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # it has ended meanwhile
        return ""
