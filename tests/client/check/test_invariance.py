"""Which canvases and batches are asked for, and what is said of them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from artifact.reference import ReferenceDetection
from client.check.compare import Answer, Size, differences
from client.check.invariance import TOO_LARGE, invariance
from client.check.steps import Steps
from client.check.subjects import Subject
from client.check.table import Row
from client.check.tolerance import TOLERANCES
from tests.client.check.test_compare import detection

CANVASES = [(20, 40), (40, 20), (40, 40)]


class Network(Steps):
    """Finds in each picture a box whose place is the picture's first pixel."""

    def __init__(
        self, wrong: Sequence[tuple[int, Size]] = (), copies: tuple[int, int] | None = None
    ) -> None:
        self.wrong = wrong
        """Place, counted from 1, and canvas."""
        self.copies = copies
        """A place that has the answer of another one, from 1."""
        self.asked: list[tuple[int, ...]] = []
        """Batch size, height and width of each canvas."""

    async def detect(
        self, canvas: npt.NDArray[np.uint8], image_sizes: Any, original_sizes: Any
    ) -> list[tuple[ReferenceDetection, ...]]:
        size, height, width, _ = canvas.shape
        self.asked.append((size, height, width))
        found: list[tuple[ReferenceDetection, ...]] = [
            (detection(float(picture[0, 0, 0]) + ((place, (height, width)) in self.wrong), side=5),)
            for place, picture in enumerate(canvas, 1)
        ]
        if self.copies and max(self.copies) <= size:
            place, other = self.copies
            found[place - 1] = found[other - 1]
        return found


def subject(name: str, height: int, width: int, first: int) -> Subject:
    return Subject(name, b"", np.full((height, width, 3), first, np.uint8), (60, 80), None)


SUBJECTS = [
    subject("landscape", 20, 30, 1),
    subject("portrait", 30, 20, 20),
    subject("small", 10, 10, 40),
]


def rows(
    network: Network,
    max_batch: int = 4,
    most_pixels: int | None = None,
    canvases: Sequence[Size] = CANVASES,
) -> list[Row]:
    def compare(subject: Subject, one: Answer, other: Answer, called: tuple[str, str]) -> list[str]:
        return differences(
            one, other, subject.size, TOLERANCES["fp32"], score_threshold=0.05, names=called
        )

    async def collect() -> list[Row]:
        found = invariance(network, SUBJECTS, canvases, max_batch, compare, most_pixels=most_pixels)
        return [row async for row in found]

    return asyncio.run(collect())


def test_every_canvas_and_full_batches_on_each_are_asked_for() -> None:
    network = Network()
    found = rows(network)
    assert not any(row.failed for row in found)
    assert [row.subject for row in found] == [
        *("batch of 4 on 20x40", "canvas 40x20", "batch of 4 on 40x20"),
        *("canvas 40x40", "batch of 4 on 40x40"),
    ]
    assert [each for each in network.asked if each[0] > 1] == [
        (4, *canvas) for canvas in CANVASES for _ in range(2)
    ]


def test_the_wrong_places_are_named() -> None:
    found = rows(Network(wrong=[(2, (20, 40)), (2, (40, 20)), (4, (40, 20))]))
    failed = {row.subject: row.text.splitlines()[0] for row in found if row.failed}
    assert failed == {
        "batch of 4 on 20x40": "place 2 of 4 is wrong, and the others are right",
        "batch of 4 on 40x20": "places 2, 4 of 4 are wrong, and the others are right",
    }


@pytest.mark.parametrize("max_batch", [2, 5, 8])
def test_no_place_can_have_the_answer_of_another_one(max_batch: int) -> None:
    for place, other in itertools.permutations(range(1, max_batch + 1), 2):
        failed = [row for row in rows(Network(copies=(place, other)), max_batch) if row.failed]
        assert len(failed) == len(CANVASES)
        for row in failed:
            assert row.text.startswith(f"place {place} of {max_batch} is wrong")


def test_a_model_without_batches_is_asked_for_none() -> None:
    network = Network()
    assert [row.subject for row in rows(network, max_batch=1)] == ["canvas 40x20", "canvas 40x40"]
    assert {size for size, *_ in network.asked} == {1}


def test_batches_stay_within_the_pixels_that_are_allowed() -> None:
    network = Network()
    found = {row.subject: row for row in rows(network, most_pixels=1600)}
    assert [each for each in network.asked if each[0] > 1] == [
        (2, 20, 40),
        (2, 40, 20),
    ]
    assert (found["batches on 40x40"].failed, found["batches on 40x40"].text) == (None, TOO_LARGE)


def test_a_canvas_that_no_picture_fits_is_not_asked_for() -> None:
    network = Network()
    *_, last = rows(network, canvases=[*CANVASES, (8, 8)])
    assert (last.subject, last.failed) == ("canvas 8x8", None)
    assert not [each for each in network.asked if each[1:] == (8, 8)]
