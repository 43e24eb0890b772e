"""The encoded pictures that the rows of a picture list stand for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from client.errors import ClientError, PictureError

_ROWS_AT_ONCE = 16


class StorageFault(ClientError):
    """A file could not be read, though it may well be there."""


def read_file(path: str) -> bytes:
    """The content of a picture's own file.

    Raises:
        PictureError: it is not there, is closed, or is empty.
        StorageFault: the storage failed.
    """
    try:
        content = _read(path)
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise PictureError(f"cannot read it: {error.strerror or error}") from error
    except Exception as error:  # each object storage has its own
        raise StorageFault(f"cannot read it: {error}") from error
    if not content:
        raise PictureError("the file is empty")
    return content


def _read(path: str) -> bytes:
    if "://" not in path:
        return Path(path).read_bytes()
    fs, there = fsspec.core.url_to_fs(path)
    content: bytes = fs.cat_file(there)  # in one request
    return content


def read_rows(
    pictures: Iterable[Mapping[str, Any]], column: str
) -> Iterator[tuple[int, bytes | ClientError]]:
    """The pictures that are in Parquet files, or why they cannot be read, by their `image_id`.

    Of a row group all is read before the last picture that is wanted, some rows at a time.

    Args:
        pictures: rows of a picture list with a `parquet`, in its order.
        column: has the pictures.
    """
    for file, rows in groupby(pictures, lambda picture: picture["parquet"]):
        ids = {picture["row"]: picture["image_id"] for picture in rows}
        try:
            for row, content in _rows(file, column, sorted(ids)):
                yield (
                    ids.pop(row),
                    content or PictureError(f"the row has nothing in column {column}"),
                )
        except Exception as error:  # each object storage has its own
            for image_id in ids.values():
                yield image_id, StorageFault(f"cannot read {file}: {error}")


def _rows(file: str, column: str, wanted: list[int]) -> Iterator[tuple[int, bytes | None]]:
    with fsspec.open(file) as stream, pq.ParquetFile(stream) as parquet:
        is_struct = pa.types.is_struct(parquet.schema_arrow.field(column).type)
        first = 0
        for group in range(parquet.num_row_groups):
            end = first + parquet.metadata.row_group(group).num_rows
            here = [row for row in wanted if first <= row < end]
            if here:
                batches = parquet.iter_batches(
                    batch_size=_ROWS_AT_ONCE,
                    row_groups=[group],
                    columns=[f"{column}.bytes" if is_struct else column],
                )
                yield from _of_batches(batches, first, here)
            first = end


def _of_batches(
    batches: Iterable[pa.RecordBatch], first: int, wanted: list[int]
) -> Iterator[tuple[int, bytes | None]]:
    """Of batches that begin with row `first`."""
    for batch in batches:
        values = batch.column(0)
        for row in wanted:
            if first <= row < first + len(values):
                value = values[row - first].as_py()
                yield row, value["bytes"] if isinstance(value, dict) else value
        first += len(values)
        if first > wanted[-1]:
            return
