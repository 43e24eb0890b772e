"""What others have published for R50-C4, on other machines and under other settings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mark:
    """One published figure."""

    name: str
    setting: str
    pictures_per_second: float
    """As published, or one picture after another at the published latency."""
    published: str
    """The figure in its own unit."""


MARKS = (
    Mark("detectron2 model zoo", "Tesla V100, R50-C4 1x", 1 / 0.110, "0.110 s per picture"),
    Mark(
        "DeepSpark",
        "MR-V100, fp16; AP50 box 0.5512, mask 0.5189",
        12.15,
        "12.15 img/s",
    ),
    Mark("tensorrtx R50-C4 fp16", "RTX 2080 Ti; its issue 755", 1 / 0.044, "44 ms per picture"),
    Mark("tensorrtx R50-C4 int8", "RTX 2080 Ti; its issue 755", 1 / 0.033, "33 ms per picture"),
)
