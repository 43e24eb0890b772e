"""Mixed traffic over a long time, which should leave the server as it was."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean

import pytest
from PIL import Image
from tritonclient.grpc.aio import InferenceServerClient

from tests.reliability.dataset import DEMO
from tests.reliability.open_loop import ask
from tests.reliability.processes import Holdings, holdings
from tests.reliability.service import Service

LONG_SECONDS = float(os.environ.get("SOAK_SECONDS", "600"))
IN_FLIGHT = 8
BAD_ONE_IN = 10
SAMPLES = 60
# What a process needs to be warm is not a leak: its first requests are left out.
WARM_UP = 0.1


def good_and_bad_pictures() -> tuple[list[bytes], list[bytes]]:
    """Of many sizes and formats; and such as are refused, each for another reason."""
    good = [path.read_bytes() for path in sorted((DEMO / "images").iterdir())]
    lot = random.Random(0)
    for mode, suffix in (("RGB", "PNG"), ("L", "JPEG"), ("RGBA", "WEBP"), ("P", "PNG")):
        for _ in range(4):
            file = io.BytesIO()
            size = (lot.randrange(1, 1500), lot.randrange(1, 1500))
            Image.new("RGB", size, lot.randrange(1 << 24)).convert(mode).save(file, suffix)
            good.append(file.getvalue())
    bad = [
        b"",
        b"\xff",
        lot.randbytes(5000),
        good[0][:1000],
        good[1][: len(good[1]) // 2],
        b"GIF89a",
    ]
    return good, bad


@pytest.mark.parametrize(
    ("seconds", "most_growth_mb"),
    [
        # The processes are still warming up; a picture leaked by each request would be 100 MB.
        (5.0, 64.0),
        pytest.param(LONG_SECONDS, 16.0, marks=pytest.mark.long),
    ],
)
def test_memory_files_and_shared_memory_stay_flat(
    service: Service,
    seconds: float,
    most_growth_mb: float,
    tmp_path: Path,
    reliability_row: Callable[..., None],
) -> None:
    samples: list[Holdings] = []
    answers = asyncio.run(mixed_traffic(service, seconds, samples))
    (tmp_path / "samples.json").write_text(json.dumps([*map(dataclasses.asdict, samples)]))
    third = len(samples) // 3
    first, last = samples[:third], samples[-third:]

    assert answers["answered"] > 0
    assert answers["refused"] > 0
    assert set(answers) == {"answered", "refused"}
    growth = average(last, "memory_mb") - average(first, "memory_mb")
    assert growth < most_growth_mb
    assert average(last, "files") <= average(first, "files") + 1
    assert average(last, "shared_memory_mb") <= average(first, "shared_memory_mb")
    for name in ("processes", "shared_memory_regions"):
        assert {getattr(sample, name) for sample in samples} == {getattr(samples[0], name)}
    reliability_row(
        f"mixed traffic for a long time, one picture in {BAD_ONE_IN} bad",
        tried=answers.total(),
        lost=answers.total() - answers["answered"] - answers["refused"],
        recovered_in="",
        seen_as=f"in {seconds:.0f} s {answers['answered']} answered, {answers['refused']} refused "
        f"(INVALID_ARGUMENT); memory {average(first, 'memory_mb'):.0f} MB in the first third, "
        f"{average(last, 'memory_mb'):.0f} MB in the last; open files "
        f"{average(first, 'files'):.1f} and {average(last, 'files'):.1f}; /dev/shm "
        f"{average(first, 'shared_memory_mb'):.1f} MB and "
        f"{average(last, 'shared_memory_mb'):.1f} MB in {last[0].shared_memory_regions} regions",
    )


async def mixed_traffic(service: Service, seconds: float, samples: list[Holdings]) -> Counter[str]:
    """Keeps `IN_FLIGHT` requests under way; counts what became of them."""
    good, bad = good_and_bad_pictures()
    started = time.monotonic()
    counts: Counter[str] = Counter()

    async def worker(client: InferenceServerClient, lot: random.Random) -> None:
        while time.monotonic() < started + seconds:
            picture = lot.choice(bad if lot.randrange(BAD_ONE_IN) == 0 else good)
            error = (await ask(client, picture)).error
            expected = error is None if picture not in bad else "INVALID_ARGUMENT" in (error or "")
            name = "answered" if error is None else "refused"
            counts[name if expected else f"unexpectedly {name}: {error}"] += 1

    async def sample() -> None:
        server = service.tritonserver()
        await asyncio.sleep(WARM_UP * seconds)
        for _ in range(SAMPLES):
            samples.append(holdings(server))
            await asyncio.sleep((1 - WARM_UP) * seconds / SAMPLES)

    async with InferenceServerClient(service.grpc_url) as client:
        workers = [worker(client, random.Random(number)) for number in range(IN_FLIGHT)]
        await asyncio.gather(sample(), *workers)
    return counts


def average(samples: Sequence[Holdings], name: str) -> float:
    return mean(getattr(sample, name) for sample in samples)
