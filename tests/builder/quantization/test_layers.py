from __future__ import annotations

import pytest

from builder.errors import BuildError
from builder.network import ModelConfig, network_spec
from builder.quantization import choose_layers


def test_the_stem_and_the_rpns_outputs_stay_in_fp16_unless_others_are_named(
    demo_config: ModelConfig,
) -> None:
    spec = network_spec(demo_config)
    chosen = choose_layers(spec, None)
    assert set(spec.quantizable_layers) - set(chosen) == {
        "backbone.stem.conv1",
        "proposal_generator.rpn_head.objectness_logits",
        "proposal_generator.rpn_head.anchor_deltas",
    }
    assert {path.partition(".")[0] for path in chosen} == {
        "backbone", "proposal_generator", "roi_heads"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fp16", "count"),
    [
        ((), 56),
        (("backbone.stem.conv1",), 55),
        (("backbone.res[23].*", "*.shortcut"), 56 - 10 - 13 - 2),
        (("backbone.*", "proposal_generator.*"), 10),
    ],
)
def test_patterns_name_layers_by_their_path(
    demo_config: ModelConfig, fp16: tuple[str, ...], count: int
) -> None:
    spec = network_spec(demo_config)
    assert len(spec.quantizable_layers) == 56
    assert len(choose_layers(spec, fp16)) == count


@pytest.mark.parametrize(
    ("fp16", "message"),
    [
        (("*", "backbone.stem.*"), "leaves no layer in int8; .*--precision fp16"),
        (("backbone.res9.*",), r"'backbone.res9.\*' is no layer .* nearest of the 56 are backbone"),
        (("backbone.stem.conv1", ""), "'' is no layer"),
        (("roi_heads.box_predictor.cls_score",), "is no layer that could run in int8"),
    ],
)
def test_patterns_that_leave_nothing_or_match_nothing_are_refused(
    demo_config: ModelConfig, fp16: tuple[str, ...], message: str
) -> None:
    with pytest.raises(BuildError, match=f"^--fp16-layers.*{message}"):
        choose_layers(network_spec(demo_config), fp16)
