"""Each setting that decides what is computed, against what detectron2 computed with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from builder.network import export_onnx
from tests.builder.network.goldens import (
    assert_same_detections,
    assert_same_proposals,
    golden_of,
    on_canvas,
    rounded_up,
    size_of,
)
from tests.builder.network.graph_pieces import Arrays, Stages
from tests.builder.network.trained_models import GOLDENS, load_model
from tests.builder.network.variants.table import PICTURES, VARIANTS, Variant


@pytest.fixture(scope="session")
def variant_goldens() -> Arrays:
    return dict(np.load(GOLDENS / "variants.npz"))


def test_every_variant_has_its_goldens(variant_goldens: Arrays) -> None:
    with_goldens = {name.partition(".")[0] for name in variant_goldens}
    assert with_goldens - {"edge_boxes"} == VARIANTS.keys()


def assert_same(found: Arrays, place: int, golden: Arrays) -> None:
    """Masks are fp16 in the goldens."""
    if "proposal_boxes" in golden:
        assert_same_proposals(found, place, golden)
    assert_same_detections(found, place, golden, box=2e-3, score=2e-5, mask=1e-3)


# Every second one is left to `make test-long`: all of them take a minute.
SOME = [
    pytest.param(variant, id=name, marks=[pytest.mark.long] if number % 2 else [])
    for number, (name, variant) in enumerate(VARIANTS.items())
]


@pytest.mark.parametrize("variant", SOME)
def test_a_variant_equals_detectron2_alone_and_in_a_batch_on_a_larger_canvas(
    variant: Variant,
    request: pytest.FixtureRequest,
    variant_goldens: Arrays,
    demo_goldens: Arrays,
    tmp_path: Path,
) -> None:
    config, weights = load_model(*variant.write(tmp_path))
    stages = Stages(export_onnx(config, weights))
    name = request.node.callspec.id
    goldens = [golden_of(variant_goldens, f"{name}.{number}") for number in PICTURES]
    pictures = [demo_goldens[f"{number}.resized"] for number in PICTURES]
    sizes = [size_of(picture) for picture in pictures]

    for picture, size, golden in zip(pictures, sizes, goldens, strict=True):
        canvas = on_canvas([picture], rounded_up(size, config.model.size_divisibility))
        assert_same(stages(canvas, [size]), 0, golden)
    found = stages(on_canvas(pictures, (352, 512), noise=True), sizes)
    for place, golden in enumerate(goldens):
        assert_same(found, place, golden)
