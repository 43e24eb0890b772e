"""The pictures of a run: found once and written down, so that a resumed run is about the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from artifact.closed_folders import check_open
from artifact.picture_formats import has_picture_suffix
from client.bulk.storage import Place
from client.coco.annotation_faults import some
from client.coco.dataset import load_annotations
from client.errors import ClientError
from client.pictures.files import find_pictures

SCHEMA = pa.schema(
    [
        pa.field("image_id", pa.int64()),  # COCO's, and the id in Ray Data's checkpoint
        pa.field("path", pa.string()),  # what the results call the picture
        pa.field("parquet", pa.string()),  # the file that it is in; null for one of its own
        pa.field("row", pa.int64()),  # its row there, from 0
    ]
)

_FOOTERS_AT_ONCE = 16

_Found = tuple[list[str], list[str], "str | None", "list[int] | list[None]"]
"""Paths, the names that annotations have of them, the Parquet file that they are in, their rows."""

_Ids = Callable[[list[str]], list[int]]
"""The image ids of names."""


def write_list(
    file: Place, pictures: Place, *, column: str | None, name: str | None, annotations: Path | None
) -> None:
    """Write the list of all pictures as a Parquet file with `SCHEMA`.

    Args:
        file: to be written.
        pictures: a folder of pictures; with `column`, a Parquet file or a folder of such.
        column: has the pictures: encoded ones, structs with those as `bytes`, or strings, which are
            their paths or URLs.
        name: the column with the name of each; None for their file and row, `FILE#ROW`.
        annotations: has the `image_id` of each, found by its name (of a file, by its path in the
            folder); None to count them from 1.

    Raises:
        ClientError: there are none, or they or their annotations cannot be used.
    """
    ids = _counted() if annotations is None else _annotated(annotations)
    found = _in_folder(pictures) if column is None else _in_parquet(pictures, column, name)
    tables = (table for each in found if (table := _table(each, ids)).num_rows)
    first = next(tables, None)
    if first is None:
        raise ClientError(f"--input: the Parquet files in {pictures} have no rows")
    unfinished = Place(file.fs, f"{file.path}.partial")
    with unfinished.open_new() as stream:
        try:
            with pq.ParquetWriter(stream, SCHEMA) as writer:
                for table in chain([first], tables):
                    writer.write_table(table)
        except BaseException:
            unfinished.fs.rm(unfinished.path)
            raise
    file.fs.mv(unfinished.path, file.path)


def _table(found: _Found, ids: _Ids) -> pa.Table:
    paths, names, parquet, rows = found
    try:
        columns = [ids(names), paths, [parquet] * len(paths), rows]
        return pa.table(columns, schema=SCHEMA)
    except UnicodeEncodeError as error:
        raise ClientError(
            f"--input: the name of a picture is not UTF-8: {error.object!r}. Rename it."
        ) from error


def rows_in(files: Iterable[Place]) -> int:
    """How many rows Parquet files have together."""

    def count(file: Place) -> int:
        with file.fs.open(file.path, "rb") as stream, pq.ParquetFile(stream) as parquet:
            return int(parquet.metadata.num_rows)

    with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as pool:
        return sum(pool.map(count, files))


def _in_folder(folder: Place) -> Iterator[_Found]:
    if folder.is_local:
        local = find_pictures([Path(folder.path)], recursive=True)
        paths, names = list(map(str, local)), list(map(str, local.values()))
    else:
        files = _files(folder)
        inside = {str(each): each.path.removeprefix(f"{folder.path}/") for each in files}
        names_of = {
            path: name
            for path, name in inside.items()
            if has_picture_suffix(name) and not any(p.startswith(".") for p in name.split("/"))
        }
        paths, names = list(names_of), list(names_of.values())
        if not paths:
            raise ClientError(
                f"--input: none of the {len(files)} files in {folder} has the suffix of a picture. "
                "For pictures in Parquet files name their --column."
            )
    yield paths, names, None, [None] * len(paths)


def _in_parquet(place: Place, column: str, name: str | None) -> Iterator[_Found]:
    files = _files(place, ".parquet")
    if not files:
        raise ClientError(f"--input: no Parquet file (.parquet) in {place}")
    with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as pool:
        for file, (paths, names) in zip(
            files, pool.map(lambda file: _of_file(file, column, name), files), strict=True
        ):
            if paths is None:
                rows = list(range(len(names)))
                yield names, names, str(file), rows
            else:
                yield paths, names, None, [None] * len(paths)


def _of_file(file: Place, column: str, name: str | None) -> tuple[list[str] | None, list[str]]:
    """The paths that are in a Parquet file, None where it has the pictures; and the names."""
    try:
        with file.fs.open(file.path, "rb") as stream, pq.ParquetFile(stream) as parquet:
            schema = parquet.schema_arrow
            for each in (column, *([] if name is None else [name])):
                if each not in schema.names:
                    raise ClientError(
                        f"--input: {file} has no column {each}; it has {', '.join(schema.names)}"
                    )
            kind = schema.field(column).type
            paths = _strings(parquet, column) if _is_string(kind) else None
            if paths is None and not _has_pictures(kind):
                raise ClientError(
                    f"--column {column} of {file} is of type {kind}: expected pictures (binary, or "
                    "a struct with `bytes`) or their paths (string)"
                )
            if name is not None:
                return paths, _strings(parquet, name)
            return paths, paths or [f"{file}#{row}" for row in range(parquet.metadata.num_rows)]
    except pa.ArrowInvalid as error:
        raise ClientError(f"--input: {file} is not a Parquet file: {error}") from error


def _strings(parquet: pq.ParquetFile, column: str) -> list[str]:
    values = parquet.read(columns=[column]).column(column)
    if values.null_count:
        raise ClientError(f"--input: column {column} has {values.null_count} rows without a value")
    return [str(value) for value in values.to_pylist()]


def _is_string(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _has_pictures(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        index = kind.get_field_index("bytes")
        return index >= 0 and _has_pictures(kind.field(index).type)
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _files(place: Place, suffix: str = "") -> list[Place]:
    try:
        if place.is_local and place.fs.isdir(place.path):
            check_open(Path(place.path))
        if not place.fs.exists(place.path):
            raise ClientError(f"--input: no such file or folder: {place}")
        return place.files(suffix)
    except ClientError:
        raise
    except Exception as error:  # each object storage has its own
        raise ClientError(f"--input: cannot read {place}: {error}") from error


def _counted() -> _Ids:
    count = 0

    def ids(names: list[str]) -> list[int]:
        nonlocal count
        count += len(names)
        return list(range(count - len(names) + 1, count + 1))

    return ids


def _annotated(annotations: Path) -> _Ids:
    images = load_annotations(annotations, Path()).images
    image_ids = {image.file_name: image.id for image in images}
    seen: set[str] = set()

    def ids(names: list[str]) -> list[int]:
        if unknown := [name for name in names if name not in image_ids]:
            raise ClientError(
                f"--annotations: {annotations} does not name {len(unknown)} of the pictures: "
                f"{some(unknown)}"
            )
        for name in names:
            if name in seen:
                raise ClientError(
                    f"--input: there are two pictures {name}, and one in --annotations"
                )
            seen.add(name)
        return [image_ids[name] for name in names]

    return ids
