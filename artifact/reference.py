"""What a build's answers are to be: recorded when it is built, carried by the ensemble's parameter.

A client needs nothing but the server's address to hold it against this: `python -m client check`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from artifact.from_json import from_json
from artifact.json_text import parse_json
from artifact.manifest import FileRecord, Tensor

PARAMETER = "reference"
"""The ensemble's parameter that carries it, as JSON."""
FORMAT = "mask-rcnn-triton reference 1"
PRECISIONS = ("fp32", "fp16", "int8")


@dataclass(frozen=True)
class ReferenceDetection:
    """What the ensemble answers of one detection, in pixels of the picture."""

    box: tuple[float, ...]
    """x1, y1, x2, y2."""
    score: float
    category_id: int
    mask: str | None
    """Counts of COCO's compressed RLE; None from a model without masks."""
    keypoints: tuple[tuple[float, ...], ...] | None
    """x, y, score of each point; None from a model without points."""

    def __post_init__(self) -> None:
        if len(self.box) != 4:
            raise ValueError(f"a box of {len(self.box)} numbers, expected was one of 4")


@dataclass(frozen=True)
class ReferenceAnswer:
    """A picture, and what ONNX Runtime on a CPU found in it with the network that was built."""

    picture: str
    """A PNG, in base64: decoded alike everywhere, which a JPEG is not."""
    image_size: tuple[int, ...]
    """Height and width of the picture as the network gets it, in pixels."""
    pixels_sha256: str
    """Of those pixels: UINT8 [height, width, 3], BGR."""
    num_detections: int
    """All that were found."""
    detections: tuple[ReferenceDetection, ...]
    """The best of them, the best first."""


@dataclass(frozen=True)
class Reference:
    """What a build says of itself."""

    model: str
    """Such as Mask R-CNN R50-C4."""
    precision: str
    """One of `PRECISIONS`."""
    builder_version: str
    weights: FileRecord
    pixel_mean: tuple[float, ...]
    score_threshold: float
    """Which detections' scores are above."""
    tensors: Mapping[str, tuple[Tensor, ...]]
    """The inputs and outputs of each model, without the batch, by the model's name."""
    parameters: Mapping[str, Mapping[str, str]]
    """The parameters of each model that decide its answers, by the model's name."""
    max_batch: int
    answers: tuple[ReferenceAnswer, ...]
    """None where the build could not run ONNX Runtime."""

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise ValueError(
                f"precision {self.precision!r}, expected was one of {', '.join(PRECISIONS)}"
            )

    def to_json(self) -> str:
        """The parameter's text."""
        return json.dumps({"format": FORMAT, **asdict(self)}, allow_nan=False)


def read_reference(text: str) -> Reference:
    """Reads the parameter's text.

    Raises:
        ValueError: it is not as this version of the builder writes it; a sentence says how.
    """
    content = parse_json(text)
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise ValueError(f"its format is not {FORMAT!r}")
    reference: Reference = from_json(Reference, content, "reference")
    return reference
