"""Why answers are not the recorded ones, if asking about changed pictures can tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from artifact.reference import Reference
from client.check.compare import Size, distance
from client.check.steps import Steps
from client.check.subjects import Subject, ask

Pixels = npt.NDArray[np.uint8]
Change = Callable[[Pixels], Pixels]

DETECTRON2_MEAN = (103.53, 116.28, 123.675)
MIDDLE = (127.5, 127.5, 127.5)


CLEARLY = 0.5
"""A change explains the answers that leaves less than this part of their distance."""
NEARLY = 0.3
"""The distance up to which answers are nearly the recorded ones; those of other weights, or of
other networks for the same objects, are farther away."""


async def cause(
    steps: Steps, subjects: Sequence[Subject], homes: Sequence[Size], reference: Reference
) -> str:
    """A line: what change to the pixels brings the recorded answers back, or that none does.

    A network that takes off a wrong mean answers to pixels that are shifted by its error as the
    right one answers to the pixels themselves, but for rounding to whole grey levels and what is
    cut off at black and white.

    Raises:
        ClientError: the server does not answer.
    """

    async def distance_of(change: Change) -> float:
        distances = []
        for subject, canvas in zip(subjects, homes, strict=True):
            assert subject.recorded is not None
            [found] = await ask(steps, [replace(subject, pixels=change(subject.pixels))], canvas)
            distances.append(distance(found, subject.recorded.detections))
        return float(np.mean(distances))

    as_it_is = await distance_of(lambda pixels: pixels)
    changed = {name: await distance_of(change) for name, change in _mistakes(reference).items()}
    best = min(changed, key=lambda name: changed[name])
    if changed[best] < CLEARLY * as_it_is:
        return best
    if as_it_is <= NEARLY:
        return "nearly the recorded answers: another precision, or weights that differ a little"
    return (
        "other weights: the recorded answers do not come back with red and blue exchanged, nor "
        "with another of the usual means"
    )


def _mistakes(reference: Reference) -> dict[str, Change]:
    """What is wrong, and the change to the pixels that makes up for it."""
    mistakes: dict[str, Change] = {
        "a wrong INPUT.FORMAT: the recorded answers come where red and blue are exchanged": (
            lambda pixels: pixels[..., ::-1]
        )
    }
    built = reference.pixel_mean
    for mean in (built[::-1], DETECTRON2_MEAN, DETECTRON2_MEAN[::-1], MIDDLE):
        error = np.round(np.subtract(mean, built)).astype(np.int16)
        if error.any():
            mistakes[
                f"a wrong mean: the network takes off {list(mean)}, and was built with the "
                f"PIXEL_MEAN {list(built)}"
            ] = partial(_shifted, error)
    return mistakes


def _shifted(by: npt.NDArray[np.int16], pixels: Pixels) -> Pixels:
    return np.clip(pixels + by, 0, 255).astype(np.uint8)
