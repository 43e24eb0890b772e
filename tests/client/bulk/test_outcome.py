"""What a run wrote is held against its list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from client.errors import ClientError

pa = pytest.importorskip("pyarrow", reason="`make test` installs it into .venv/ray")
pq = pytest.importorskip("pyarrow.parquet")
outcome = pytest.importorskip("client.bulk.outcome")
storage = pytest.importorskip("client.bulk.storage")


def outcome_of(folder: Path, listed: list[int], *files: dict[int, str | None]) -> Any:
    """That of files with these errors by image id."""
    pq.write_table(pa.table({"image_id": listed}), folder / "pictures.parquet")
    (folder / "detections").mkdir()
    for number, rows in enumerate(files):
        errors = pa.array([*rows.values()], pa.string())
        paths = [f"{image_id}.jpg" for image_id in rows]
        table = pa.table({"image_id": [*rows], "path": paths, "error": errors})
        pq.write_table(table, folder / "detections" / f"{number}.parquet")
    place = storage.Place.of(str(folder), "--output")
    return outcome.Outcome.of(place / "pictures.parquet", place / "detections")


def test_pictures_and_errors_are_counted(tmp_path: Path) -> None:
    found = outcome_of(tmp_path, [1, 2, 7], {7: "broken", 1: None}, {2: None})

    assert found == outcome.Outcome(pictures=3, failed=1, examples=(("7.jpg", "broken"),), files=2)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([{1: None}, {2: None}], r"1 pictures have no row .* of image_id 7"),
        ([{1: None, 2: None, 7: None}, {2: None}], r"1 pictures have several rows .* image_id 2"),
        ([{1: None, 2: None, 7: None, 9: None}], r"1 pictures are not of the list .* image_id 9"),
    ],
)
def test_a_picture_without_a_row_or_with_several_is_told(
    files: list[dict[int, str | None]], words: str, tmp_path: Path
) -> None:
    with pytest.raises(ClientError, match=words):
        outcome_of(tmp_path, [1, 2, 7], *files)
