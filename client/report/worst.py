"""The worst false positives and misses, as pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from client.analysis.matching import NONE, PictureMatch
from client.pictures.drawing import category_colors
from client.report.findings import SHOWN_SCORE, Findings
from client.report.gallery import Entry, gallery
from client.report.panels import Panel, Shape
from client.report.words import ERROR_NAMES

MOST_SHOWN = 12
"""Of each kind, each in another picture."""


@dataclass(frozen=True)
class Subject:
    """A detection that is wrong, or an object that was missed."""

    match: PictureMatch
    detection: int | None
    """In `match.found`."""
    object: int | None
    """In `match.objects`: what was missed, or what the wrong detection overlaps most with."""
    caption: str


def worst(findings: Findings) -> str:
    return (
        "<h2>Worst false positives</h2>"
        '<p class="note">What is wrong with the highest scores, one of each picture. Boxes are of '
        "their category's colour; point at one to see what it is.</p>"
        + _gallery(findings, _false_positives(findings))
        + "<h2>Worst misses</h2>"
        '<p class="note">The largest objects that were not found, or with a score below '
        f"{SHOWN_SCORE}, one of each picture.</p>" + _gallery(findings, _misses(findings))
    )


def _false_positives(findings: Findings) -> list[Subject]:
    candidates = []
    for match, errors in zip(findings.matches, findings.errors, strict=True):
        wrong = match.is_wrong.nonzero()[0]
        if not wrong.size:
            continue
        place = int(wrong[0])  # the best first
        overlaps = match.ious[place]
        nearest = int(overlaps.argmax()) if overlaps.size and overlaps.max() > 0 else None
        candidates.append(
            (
                float(match.scores[place]),
                Subject(
                    match,
                    place,
                    nearest,
                    f"{findings.label(int(match.found_ids[place]))} {match.scores[place]:.2f}: "
                    f"{ERROR_NAMES[str(errors.kinds[place])]}",
                ),
            )
        )
    candidates.sort(key=lambda entry: -entry[0])
    return [subject for _, subject in candidates[:MOST_SHOWN]]


def _misses(findings: Findings) -> list[Subject]:
    candidates = []
    for match in findings.matches:
        found_as = match.found_as
        missed = [
            place
            for place, found in enumerate(found_as)
            if found == NONE or match.scores[found] < SHOWN_SCORE
        ]
        if not missed:
            continue
        place = max(missed, key=lambda place: match.objects[place]["area"])
        found = int(found_as[place])
        how = "not found" if found == NONE else f"found with a score of {match.scores[found]:.3f}"
        label = findings.label(int(match.object_ids[place]))
        subject = Subject(match, None if found == NONE else found, place, f"{label}: {how}")
        candidates.append((match.objects[place]["area"], subject))
    candidates.sort(key=lambda entry: -entry[0])
    return [subject for _, subject in candidates[:MOST_SHOWN]]


def _gallery(findings: Findings, subjects: list[Subject]) -> str:
    entries = [_entry(findings, subject) for subject in subjects]
    return gallery(entries, category_colors(findings.evaluation.dataset.categories))


def _entry(findings: Findings, subject: Subject) -> Entry:
    match = subject.match
    detection = [] if subject.detection is None else [match.found[subject.detection]["bbox"]]
    its_object = [] if subject.object is None else [match.objects[subject.object]["bbox"]]
    return Entry(
        match.image,
        subject.caption,
        boxes=[*detection, *its_object],
        both=(
            Panel("annotated", list(_objects(findings, subject))),
            Panel("found", list(_detections(findings, subject))),
        ),
    )


def _objects(findings: Findings, subject: Subject) -> Iterator[Shape]:
    for place, entry in enumerate(subject.match.objects):
        name = findings.label(entry["category_id"])
        is_it = place == subject.object
        label = name if is_it else ""
        yield Shape(entry, name, label, is_subject=is_it and subject.detection is None)


def _detections(findings: Findings, subject: Subject) -> Iterator[Shape]:
    """Those that are looked at, and the subject."""
    for place, entry in enumerate(subject.match.found):
        is_it = place == subject.detection
        if is_it or entry["score"] >= SHOWN_SCORE:
            name = f"{findings.label(entry['category_id'])} {entry['score']:.2f}"
            yield Shape(entry, name, name if is_it else "", is_subject=is_it)
