"""What a run wrote, held against the list of its pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow.dataset
import pyarrow.parquet as pq

from client.bulk.storage import Place
from client.coco.annotation_faults import some
from client.errors import ClientError

_EXAMPLES = 5


@dataclass(frozen=True)
class Outcome:
    """Of a finished run."""

    pictures: int
    """As many as the list has: each has one row."""
    failed: int
    """Those with an error."""
    examples: tuple[tuple[str, str], ...]
    """Some of them: path and error."""
    files: int
    """How many Parquet files there are."""

    @classmethod
    def of(cls, listed: Place, detections: Place) -> Outcome:
        """Count what there is.

        Args:
            listed: the picture list.
            detections: the folder of the Parquet files.

        Raises:
            ClientError: a picture has no row, or several.
        """
        with listed.fs.open(listed.path, "rb") as stream:
            table = pq.read_table(stream, columns=["image_id"])
        wanted = table.column("image_id").to_numpy()
        files = [file.path for file in detections.files(".parquet")]
        rows = pyarrow.dataset.dataset(files, filesystem=detections.arrow, format="parquet")
        found = rows.to_table(columns=["image_id"]).column("image_id").to_numpy()
        ids, counts = np.unique(found, return_counts=True)
        for words, wrong in (
            ("have no row", np.setdiff1d(wanted, ids)),
            ("have several rows", ids[counts > 1]),
            ("are not of the list", np.setdiff1d(ids, wanted)),
        ):
            if len(wrong):
                raise ClientError(
                    f"{len(wrong)} pictures {words} in {detections}, of image_id "
                    f"{some([str(each) for each in wrong])}: was the folder changed, or written by "
                    "two runs at once? Start anew with another --output."
                )
        has_error = pyarrow.dataset.field("error").is_valid()
        examples = rows.scanner(columns=["path", "error"], filter=has_error).head(_EXAMPLES)
        return cls(
            pictures=len(wanted),
            failed=rows.count_rows(filter=has_error),
            examples=tuple((each["path"], each["error"]) for each in examples.to_pylist()),
            files=len(files),
        )
