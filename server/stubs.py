"""The processes of python models: tritonserver's children, one for each instance of a model.

When one dies, no Triton replaces it. Triton 2.51 does not even reap it: it goes on giving it
requests, which it refuses after a second each ("Stub process … is not healthy"), while all its
health endpoints say that it is ready. Since 2.64 (25.12) whoever asks whether the model is ready
has it reaped, and is told that it is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

PROGRAM = "triton_python_backend_stub"
ZOMBIE = "Z"  # proc_pid_stat(5)


class StubWatch:
    """Finds the dead among the python models' processes of a running tritonserver.

    It knows those that were alive when it was made, or at a later call.

    Args:
        server: the process id of tritonserver.
        instance_count: how many instances of a model Triton has, 0 while it has not loaded it,
            None while it does not answer; asked only when a process is gone.
    """

    def __init__(self, server: int, instance_count: Callable[[str], int | None]) -> None:
        self._server = server
        self._instance_count = instance_count
        self._models: dict[int, str] = {}
        self._short: set[str] = set()
        self._look()

    def dead_models(self) -> list[str]:
        """Returns the models of which a process has died; to be called again and again.

        A dead process has no name any more, so only those are known that were once seen alive.
        Triton itself ends processes to unload a model or to load it anew: a model counts that two
        looks in a row find with fewer processes than Triton has instances of it.
        """
        living = self._look()
        alive = Counter(self._models[process] for process in living)
        short = set()
        for model in {self._models[process] for process in self._models.keys() - living}:
            instances = self._instance_count(model)
            if instances is not None and alive[model] >= instances:
                self._forget(model, living)
            elif instances is not None:
                short.add(model)
        dead = short & self._short
        self._short = short
        return sorted(dead)

    def _forget(self, model: str, living: set[int]) -> None:
        """Forgets the processes of a model that are gone."""
        for process in self._models.keys() - living:
            if self._models[process] == model:
                del self._models[process]

    def _look(self) -> set[int]:
        """Notes the models of the living processes, and returns these."""
        living = set()
        for process in _children(self._server):
            if _state(process) != ZOMBIE and (model := _model(process)):
                self._models[process] = model
                living.add(process)
        return living


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
