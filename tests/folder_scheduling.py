"""Which of several processes runs which tests: `pytest -n 2`, by pytest-xdist."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling


class FolderScheduling(LoadScopeScheduling):
    """All tests of a folder in one process, one after the other.

    They share servers, and may look at what else is in /dev/shm.
    """

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0].rpartition("/")[0]
