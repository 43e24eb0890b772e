"""Where Ray cannot be started."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from client.errors import ClientError

pytest.importorskip("ray", reason="`make test` installs it into .venv/ray")
ray_session = pytest.importorskip("client.bulk.ray_session")


def test_a_temporary_folder_that_is_too_deep_for_sockets_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("x" * 40)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))

    with (
        pytest.raises(ClientError, match="set TMPDIR to a folder"),
        ray_session.ray_session(None, workers=1),
    ):
        pass
    assert not [*deep.iterdir()]
