from __future__ import annotations

from builder.weights import Parameters
from builder.weights.batch_norm import is_folded


def test_only_normalized_layers_lose_their_bias() -> None:
    parameters = Parameters(
        {
            "backbone.bottom_up.res2.0.shortcut.weight": (8, 4, 1, 1),
            "backbone.bottom_up.res2.0.shortcut.bias": (8,),
            "backbone.fpn_lateral2.weight": (4, 8, 1, 1),
            "backbone.fpn_lateral2.bias": (4,),
        },
        normalized_layers=frozenset({"backbone.bottom_up.res2.0.shortcut"}),
    )
    unfolded = parameters.unfolded_shapes()
    assert unfolded == {
        "backbone.bottom_up.res2.0.shortcut.weight": (8, 4, 1, 1),
        "backbone.bottom_up.res2.0.shortcut.norm.weight": (8,),
        "backbone.bottom_up.res2.0.shortcut.norm.bias": (8,),
        "backbone.bottom_up.res2.0.shortcut.norm.running_mean": (8,),
        "backbone.bottom_up.res2.0.shortcut.norm.running_var": (8,),
        "backbone.fpn_lateral2.weight": (4, 8, 1, 1),
        "backbone.fpn_lateral2.bias": (4,),
    }
    assert is_folded(parameters.shapes)
    assert not is_folded(unfolded)
