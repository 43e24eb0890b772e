"""The pictures that are asked about, as the network gets them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from artifact.reference import Reference, ReferenceAnswer
from client.check.compare import Answer, Size
from client.check.steps import Steps, on_canvas


@dataclass(frozen=True)
class Subject:
    """A picture."""

    name: str
    encoded: bytes
    """Its file; empty for a part of another one."""
    pixels: npt.NDArray[np.uint8]
    """UINT8 [h, w, 3], BGR, at the network's size."""
    size: Size
    """That its answers are in."""
    recorded: ReferenceAnswer | None

    def fits(self, canvas: Size) -> bool:
        """Whether the canvas holds it."""
        return all(s <= c for s, c in zip(self.pixels.shape, canvas, strict=False))


Compare = Callable[[Subject, Answer, Answer, tuple[str, str]], list[str]]
"""The differences between two answers to a picture, which are called so."""


async def recorded_subjects(steps: Steps, reference: Reference) -> list[Subject]:
    """The recorded pictures, prepared by the served preprocess.

    Raises:
        ClientError: it does not answer.
    """
    subjects = []
    for number, answer in enumerate(reference.answers, 1):
        encoded = base64.b64decode(answer.picture)
        prepared = await steps.preprocess(encoded)
        height, width = prepared["image_size"][0].tolist()
        original_height, original_width = prepared["original_size"][0].tolist()
        subjects.append(
            Subject(
                f"picture {number}",
                encoded,
                prepared["canvas"][0, :height, :width],
                (original_height, original_width),
                answer,
            )
        )
    return subjects


def parts(subjects: Sequence[Subject]) -> list[Subject]:
    """The lower right of each: pictures of other sizes, which fit wherever the whole one does."""
    found = []
    for subject in subjects:
        height, width = subject.pixels.shape[:2]
        pixels = subject.pixels[height // 4 :, width // 5 :]
        size = (pixels.shape[0], pixels.shape[1])
        found.append(Subject(f"a part of {subject.name}", b"", pixels, size, None))
    return found


async def ask(steps: Steps, subjects: Sequence[Subject], canvas: Size) -> list[Answer]:
    """What network and postprocess answer to a batch of pictures on one canvas.

    Raises:
        ClientError: they do not.
    """
    pixels = [subject.pixels for subject in subjects]
    return list(
        await steps.detect(
            on_canvas(pixels, *canvas),
            [each.shape[:2] for each in pixels],
            [subject.size for subject in subjects],
        )
    )
