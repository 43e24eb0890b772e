"""Which pictures a run is about, and what they are called."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from client.errors import ClientError
from tests.http_server import run_http_server

pa = pytest.importorskip("pyarrow", reason="`make test` installs it into .venv/ray")
pq = pytest.importorskip("pyarrow.parquet")
picture_list = pytest.importorskip("client.bulk.picture_list")
storage = pytest.importorskip("client.bulk.storage")


def listed(url: str | Path, output: Path, **options: Any) -> list[dict[str, Any]]:
    file = storage.Place.of(str(output / "pictures.parquet"), "--output")
    picture_list.write_list(
        file,
        storage.Place.of(str(url), "--input"),
        **{"column": None, "name": None, "annotations": None, **options},
    )
    rows: list[dict[str, Any]] = pq.read_table(output / "pictures.parquet").to_pylist()
    assert len(rows) == picture_list.rows_in([file])
    return rows


def paths(rows: list[dict[str, Any]]) -> list[str]:
    return [row["path"] for row in rows]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures in a folder, one in a folder in it, and what is none."""
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    for name in ("b.jpg", "a ö.PNG", "more/c.jpg", "notes.txt", ".hidden.jpg"):
        (folder / name).write_bytes(b"content")
    return folder


@pytest.fixture
def http_url(folder: Path) -> Iterator[str]:
    """The folder, served by an HTTP server that lists it."""
    handler = functools.partial(SimpleHTTPRequestHandler, directory=folder)
    with run_http_server(handler) as server:
        yield f"http://127.0.0.1:{server.server_port}"


def test_the_pictures_of_a_folder_are_counted_by_name(folder: Path, tmp_path: Path) -> None:
    rows = listed(folder, tmp_path)

    assert paths(rows) == [str(folder / name) for name in ("a ö.PNG", "b.jpg", "more/c.jpg")]
    assert [row["image_id"] for row in rows] == [1, 2, 3]
    assert all(row["parquet"] is row["row"] is None for row in rows)


def test_those_of_a_remote_folder_are_urls(http_url: str, tmp_path: Path) -> None:
    rows = listed(http_url, tmp_path)

    assert paths(rows) == [f"{http_url}/{n}" for n in ("a%20%C3%B6.PNG", "b.jpg", "more/c.jpg")]


def write_parquet(file: Path, **columns: Any) -> None:
    file.parent.mkdir(exist_ok=True)
    pq.write_table(pa.table(columns), file)


@pytest.mark.parametrize("content", [[b"1", b"2"], [{"bytes": b"1"}, {"bytes": b"2"}]])
def test_the_pictures_of_parquet_files_are_rows(content: list[Any], tmp_path: Path) -> None:
    tables = tmp_path / "tables"
    write_parquet(tables / "0.parquet", image=content, id=[7, 8])
    write_parquet(tables / "1.parquet", image=content, id=[9, 10])

    rows = listed(tables, tmp_path, column="image")
    named = listed(tables, tmp_path, column="image", name="id")

    first, second = str(tables / "0.parquet"), str(tables / "1.parquet")
    assert paths(rows) == [f"{first}#0", f"{first}#1", f"{second}#0", f"{second}#1"]
    assert [row["parquet"] for row in rows] == [first, first, second, second]
    assert [row["row"] for row in rows] == [0, 1, 0, 1]
    assert [row["image_id"] for row in rows] == [1, 2, 3, 4]
    assert paths(named) == ["7", "8", "9", "10"]


def test_a_column_of_strings_has_paths(tmp_path: Path) -> None:
    write_parquet(tmp_path / "list.parquet", url=["s3://bucket/a.jpg", "/b.jpg"])

    rows = listed(tmp_path / "list.parquet", tmp_path, column="url")

    assert paths(rows) == ["s3://bucket/a.jpg", "/b.jpg"]
    assert all(row["parquet"] is row["row"] is None for row in rows)


def annotation_file(folder: Path, **ids: int) -> Path:
    file = folder / "instances.json"
    images = [
        {"id": image_id, "file_name": name.replace("_", "/", 1) + ".jpg", "width": 1, "height": 1}
        for name, image_id in ids.items()
    ]
    content = {"images": images, "categories": [{"id": 1, "name": "a"}], "annotations": []}
    file.write_text(json.dumps(content))
    return file


def test_annotations_give_the_image_ids_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    for name in ("b.jpg", "more/c.jpg"):
        (folder / name).write_bytes(b"content")
    write_parquet(tmp_path / "list.parquet", name=["more/c.jpg", "b.jpg"], image=[b"1", b"2"])
    ids = annotation_file(tmp_path, b=70, more_c=30)

    of_folder = listed(folder, tmp_path, annotations=ids)
    of_parquet = listed(
        tmp_path / "list.parquet", tmp_path, column="image", name="name", annotations=ids
    )

    assert [row["image_id"] for row in of_folder] == [70, 30]
    assert [row["image_id"] for row in of_parquet] == [30, 70]


def refused(url: str | Path, output: Path, **options: Any) -> str:
    with pytest.raises(ClientError) as refusal:
        listed(url, output, **options)
    assert not [*output.glob("pictures.parquet*")]
    return str(refusal.value)


def test_what_cannot_be_used_is_refused_in_words(folder: Path, tmp_path: Path) -> None:
    tables = tmp_path / "tables"
    write_parquet(tables / "a.parquet", image=[b"1", b"2"], id=["a", None], number=[1, 2])
    output = tmp_path / "output"
    output.mkdir()

    def of(url: str | Path, **options: Any) -> str:
        return refused(url, output, **options)

    assert "no such file or folder" in of(tmp_path / "nowhere")
    assert "no such file or folder" in of(tmp_path / "nowhere", column="image")
    assert "no pictures in" in of(tables)
    assert "no Parquet file (.parquet) in" in of(folder, column="image")
    assert "has no column picture; it has image, id, number" in of(tables, column="picture")
    assert "--column number of" in of(tables, column="number")
    assert "1 rows without a value" in of(tables, column="image", name="id")
    ids = annotation_file(tmp_path, b=1, more_c=2)
    assert "does not name 1 of the pictures: a ö.PNG" in of(folder, annotations=ids)
    write_parquet(tmp_path / "twice.parquet", image=[b"1", b"2"], id=["b.jpg", "b.jpg"])
    twice = of(tmp_path / "twice.parquet", column="image", name="id", annotations=ids)
    assert "there are two pictures b.jpg" in twice
    assert "unpack it first" in of("zip://*.jpg::pictures.zip")
    assert "cannot use nothing://x" in of("nothing://x")
    write_parquet(tmp_path / "empty.parquet", image=pa.array([], pa.binary()))
    assert "have no rows" in of(tmp_path / "empty.parquet", column="image")
    (tables / "b.parquet").write_bytes(b"no Parquet")
    assert "b.parquet is not a Parquet file" in of(tables, column="image")
    (folder / "\udcff.jpg").write_bytes(b"content")
    assert "not UTF-8" in of(folder)


def test_a_remote_folder_without_pictures_is_refused(http_url: str, tmp_path: Path) -> None:
    assert "no such file or folder" in refused(f"{http_url}/nowhere", tmp_path)
