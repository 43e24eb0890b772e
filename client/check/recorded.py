"""Whether a server makes of the recorded pictures what was recorded when it was built."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from artifact.reference import Reference
from client.check.compare import Answer, differences
from client.check.subjects import Subject
from client.check.table import Row, in_words, row_of, told
from client.check.tolerance import Tolerance


def prepared_row(subjects: Sequence[Subject]) -> Row:
    """Whether preprocess makes the recorded pixels."""
    faults = []
    for subject in subjects:
        assert subject.recorded is not None
        height, width = subject.pixels.shape[:2]
        if [height, width] != list(subject.recorded.image_size):
            recorded = "x".join(map(str, subject.recorded.image_size))
            faults.append(f"{subject.name} becomes {height}x{width} pixels, built was {recorded}")
        elif hashlib.sha256(subject.pixels.tobytes()).hexdigest() != subject.recorded.pixels_sha256:
            faults.append(
                f"{subject.name} has other pixels than at the build: another `resize`, or another "
                "version of Pillow or OpenCV than the builder's"
            )
    sizes = in_words([f"{s.pixels.shape[0]}x{s.pixels.shape[1]}" for s in subjects])
    text = f"the recorded pictures become the recorded pixels, {sizes}"
    return row_of("preprocess", faults, text)


def recorded_faults(
    subjects: Sequence[Subject],
    found: Sequence[Answer],
    reference: Reference,
    tolerance: Tolerance,
) -> list[str]:
    """How the answers to the recorded pictures differ from those recorded, in lines."""
    return [
        line
        for subject, answer in zip(subjects, found, strict=True)
        for line in told(subject.name, recorded_differences(subject, answer, reference, tolerance))
    ]


def recorded_differences(
    subject: Subject, found: Answer, reference: Reference, tolerance: Tolerance
) -> list[str]:
    """What sets an answer apart from the recorded one, of which the best detections are kept."""
    recorded = subject.recorded
    assert recorded is not None
    threshold = reference.score_threshold
    if recorded.num_detections > len(recorded.detections):
        threshold = max(threshold, recorded.detections[-1].score)
    return differences(
        found,
        recorded.detections,
        subject.size,
        tolerance,
        score_threshold=threshold,
        names=("here", "recorded"),
    )
