"""Whether a picture's answer stays the same on every canvas and at every place of a batch."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from client.check.compare import Answer, Size
from client.check.steps import Steps
from client.check.subjects import Compare, Subject, ask
from client.check.table import Row, in_words, row_of, told

TOO_LARGE = (
    "not asked: ONNX Runtime on a CPU makes no batches by itself, and takes gigabytes for one of "
    "this size"
)


def home(subject: Subject, canvases: Sequence[Size]) -> Size:
    """The smallest canvas that holds it, as preprocess chooses it."""
    return min(filter(subject.fits, canvases), key=lambda canvas: canvas[0] * canvas[1])


async def invariance(
    steps: Steps,
    subjects: Sequence[Subject],
    canvases: Sequence[Size],
    max_batch: int,
    compare: Compare,
    *,
    most_pixels: int | None,
) -> AsyncIterator[Row]:
    """A row for each canvas, and one for the batches on it.

    Each is held against the picture alone on the canvas that preprocess would choose.

    Args:
        steps: the server.
        subjects: the pictures.
        canvases: all that preprocess has.
        max_batch: the size of a full batch.
        compare: see there.
        most_pixels: of all canvases of a batch together; None for no limit.

    Raises:
        ClientError: the network does not answer.
    """
    alone = {}
    for subject in subjects:
        [alone[subject.name]] = await ask(steps, [subject], home(subject, canvases))
    for canvas in canvases:
        where = _size(canvas)
        fitting = [subject for subject in subjects if subject.fits(canvas)]
        if len(fitting) < 2:
            yield Row(f"canvas {where}", "not asked: the recorded pictures do not fit", failed=None)
            continue
        names = [subject.name for subject in fitting]
        faults, compared = [], []
        for subject in fitting:
            if canvas != home(subject, canvases):
                [found] = await ask(steps, [subject], canvas)
                called = ("on this canvas", f"on {_size(home(subject, canvases))}")
                compared.append(subject.name)
                faults += told(subject.name, compare(subject, found, alone[subject.name], called))
        if compared:
            text = f"the answers to {in_words(compared)} are those on smaller canvases"
            yield row_of(f"canvas {where}", faults, text)
        batch = max_batch
        if most_pixels is not None:
            batch = min(max_batch, most_pixels // (canvas[0] * canvas[1]))
        if batch > 1:
            faults = await _batches(steps, fitting, canvas, batch, alone, compare)
            text = (
                f"at every place a picture has the answer that it has alone: {in_words(names)} in "
                "turns"
            )
            yield row_of(f"batch of {batch} on {where}", faults, text)
        elif max_batch > 1:
            yield Row(f"batches on {where}", TOO_LARGE, failed=None)


async def _batches(
    steps: Steps,
    subjects: Sequence[Subject],
    canvas: Size,
    size: int,
    alone: dict[str, Answer],
    compare: Compare,
) -> list[str]:
    """What is wrong with full batches, in lines.

    As many are asked for as it takes that no two places get the same pictures in all of them: the
    answer of another place would be seen.
    """
    faults: dict[int, list[str]] = {}
    step = 1
    while step < size:
        batch = [subjects[place // step % len(subjects)] for place in range(size)]
        step *= len(subjects)
        found = await ask(steps, batch, canvas)
        for place, (subject, answer) in enumerate(zip(batch, found, strict=True), 1):
            lines = compare(subject, answer, alone[subject.name], ("in the batch", "alone"))
            faults.setdefault(place, []).extend(told(f"place {place}, {subject.name}", lines))
    wrong = [place for place, lines in faults.items() if lines]
    if not wrong:
        return []
    if len(wrong) == size:
        places = "every place is wrong"
    elif len(wrong) == 1:
        places = f"place {wrong[0]} of {size} is wrong, and the others are right"
    else:
        listed = ", ".join(map(str, wrong))
        places = f"places {listed} of {size} are wrong, and the others are right"
    return [places, *faults[wrong[0]]]


def _size(canvas: Size) -> str:
    return f"{canvas[0]}x{canvas[1]}"
