"""Two servers of one model, and of two."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from artifact.manifest import FileRecord
from artifact.reference import Reference
from client.check.beside import Answers, beside_faults
from client.check.subjects import Subject
from tests.client.check.test_compare import SIZE, detection

REFERENCE = Reference(
    model="Mask R-CNN R50-C4",
    precision="fp32",
    builder_version="0.1.0",
    weights=FileRecord("model_final.pkl", 1, "ab"),
    pixel_mean=(0.0, 0.0, 0.0),
    score_threshold=0.05,
    tensors={},
    parameters={},
    max_batch=8,
    answers=(),
)
SUBJECT = Subject("picture 1", b"", np.zeros((*SIZE, 3), np.uint8), SIZE, None)
PLAN = Answers("plan:8001", REFERENCE, "fp16", [[detection()]])


def test_servers_agree_within_the_coarser_of_their_precisions() -> None:
    nearly = [[detection(score=0.91)]]
    assert beside_faults(replace(PLAN, precision="fp32", found=nearly), PLAN, [SUBJECT]) == []


def test_servers_that_differ_are_told_apart() -> None:
    [first, second] = beside_faults(replace(PLAN, found=[[detection(40)]]), PLAN, [SUBJECT])
    assert first == (
        "picture 1: category 1 at 10,10 to 30,30, score 0.9000, at plan:8001; not here"
    )
    assert second.endswith("40,10 to 60,30, score 0.9000, here; not at plan:8001")


@pytest.mark.parametrize("sha256", ["ab", "cd"])
def test_servers_of_other_weights_are_not_compared(sha256: str) -> None:
    other = replace(REFERENCE, weights=FileRecord("other.pkl", 1, sha256))
    faults = beside_faults(replace(PLAN, reference=other), PLAN, [SUBJECT])
    assert faults == (
        []
        if sha256 == "ab"
        else [
            "built from other.pkl, and the model at plan:8001 from other weights, model_final.pkl"
        ]
    )
