from __future__ import annotations

from builder.network import ModelConfig, network_spec
from tests.changed_config import without_masks


def test_a_mask_r_cnn_has_masks_and_a_faster_r_cnn_has_none(demo_config: ModelConfig) -> None:
    masks, none = network_spec(demo_config), network_spec(without_masks(demo_config))
    assert [tensor.name for tensor in masks.outputs] == [
        "num_detections", "boxes", "scores", "classes", "mask_probs",
    ]  # fmt: skip
    assert none.outputs == masks.outputs[:-1]
    assert none.parameters.shapes.keys() == {
        name for name in masks.parameters.shapes if "mask_head" not in name
    }


def test_the_convolutions_of_the_resnet_have_a_batch_norm_and_no_others(
    demo_config: ModelConfig,
) -> None:
    normalized = network_spec(demo_config).parameters.normalized_layers
    assert len(normalized) == 53
    assert all(layer.startswith(("backbone.", "roi_heads.res5.")) for layer in normalized)
