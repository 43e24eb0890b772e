"""Whether two servers of one model agree: a TensorRT plan and ONNX Runtime, say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from artifact.reference import Reference
from client.check.compare import Answer, differences
from client.check.subjects import Subject
from client.check.table import told
from client.check.tolerance import TOLERANCES, coarser


@dataclass(frozen=True)
class Answers:
    """Those of a server to the recorded pictures."""

    url: str
    reference: Reference
    precision: str
    """A key of `TOLERANCES`."""
    found: Sequence[Answer]


def beside_faults(here: Answers, there: Answers, subjects: Sequence[Subject]) -> list[str]:
    """How the answers of two servers to `subjects` differ, in lines."""
    if here.reference.weights.sha256 != there.reference.weights.sha256:
        return [
            f"built from {here.reference.weights.name}, and the model at {there.url} from other "
            f"weights, {there.reference.weights.name}"
        ]
    tolerance = TOLERANCES[coarser(here.precision, there.precision)]
    faults = []
    for subject, one, other in zip(subjects, here.found, there.found, strict=True):
        lines = differences(
            one,
            other,
            subject.size,
            tolerance,
            score_threshold=here.reference.score_threshold,
            names=("here", f"at {there.url}"),
        )
        faults += told(subject.name, lines)
    return faults
