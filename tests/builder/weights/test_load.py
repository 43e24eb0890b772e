from __future__ import annotations

import dataclasses
import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from builder.errors import BuildError
from builder.network import load_config, network_spec
from builder.weights import Parameters, load_weights
from tests.builder.weights.small_network import (
    PARAMETERS,
    SHAPES,
    Tensors,
    folded_tensors,
    tensors,
    write_pickle,
    write_wts,
)
from tests.changed_config import write_changed_config

DEMO = Path(__file__).parents[3] / "demo"


def refusal(path: Path, parameters: Parameters = PARAMETERS) -> str:
    with pytest.raises(BuildError) as refused:
        load_weights(path, parameters)
    assert str(path) in str(refused.value)
    return str(refused.value)


def refusal_of(tmp_path: Path, model: Tensors) -> str:
    return refusal(write_pickle(tmp_path / "model.pkl", model))


# The demo's weights, a file of detectron2's own.


def test_the_demos_weights_fill_the_demos_network() -> None:
    config = load_config(DEMO / "mask_rcnn_R_50_C4_shapes.yaml")
    parameters = network_spec(config).parameters
    weights = load_weights(DEMO / "mask_rcnn_R_50_C4_shapes.pkl", parameters)
    assert {name: array.shape for name, array in weights.items()} == parameters.shapes
    assert len(weights) == 120
    for array in weights.values():
        assert type(array) is np.ndarray
        assert array.dtype == np.float32
        assert array.flags.c_contiguous
        assert np.isfinite(array).all()


@pytest.mark.parametrize(
    ("family", "changes", "settings"),
    [
        ("C4", {"MODEL.ROI_HEADS.NUM_CLASSES": 80}, ["MODEL.ROI_HEADS.NUM_CLASSES"]),
        ("C4", {"MODEL.ROI_MASK_HEAD.CONV_DIM": 256}, ["MODEL.ROI_MASK_HEAD.CONV_DIM"]),
        ("C4", {"MODEL.ANCHOR_GENERATOR.SIZES": [[32]]}, ["MODEL.ANCHOR_GENERATOR"]),
        ("C4", {"MODEL.RESNETS.WIDTH_PER_GROUP": 64}, ["MODEL.RESNETS"]),
        (
            "C4",
            {"MODEL.ROI_HEADS.NUM_CLASSES": 80, "MODEL.ROI_MASK_HEAD.CONV_DIM": 256},
            ["MODEL.ROI_HEADS.NUM_CLASSES", "MODEL.ROI_MASK_HEAD.CONV_DIM"],
        ),
        ("C4", {"MODEL.MASK_ON": False}, ["MODEL.MASK_ON"]),
        ("C4", {"MODEL.RESNETS.DEPTH": 101}, ["MODEL.RESNETS.DEPTH"]),
        ("C4", {"MODEL.RESNETS.DEPTH": 152}, ["MODEL.RESNETS.DEPTH"]),
        ("FPN", {"MODEL.FPN.OUT_CHANNELS": 256}, ["MODEL.FPN.OUT_CHANNELS", "MODEL.ROI_BOX_HEAD"]),
        ("FPN", {"MODEL.ROI_HEADS.NUM_CLASSES": 80}, ["MODEL.ROI_HEADS.NUM_CLASSES"]),
        ("FPN", {"MODEL.ROI_MASK_HEAD.CONV_DIM": 256}, ["MODEL.ROI_MASK_HEAD.CONV_DIM"]),
        ("FPN", {"MODEL.ROI_MASK_HEAD.NUM_CONV": 2}, ["MODEL.ROI_MASK_HEAD.NUM_CONV"]),
        ("FPN", {"MODEL.ROI_BOX_HEAD.FC_DIM": 1024}, ["MODEL.ROI_BOX_HEAD"]),
        ("FPN", {"MODEL.ROI_BOX_HEAD.POOLER_RESOLUTION": 14}, ["MODEL.ROI_BOX_HEAD"]),
        ("FPN", {"MODEL.RESNETS.NUM_GROUPS": 4}, ["MODEL.RESNETS"]),
        ("FPN", {"MODEL.RESNETS.DEPTH": 101}, ["MODEL.RESNETS.DEPTH"]),
    ],
)
def test_a_configuration_that_does_not_fit_is_told_which_settings(
    tmp_path: Path, family: str, changes: dict[str, object], settings: list[str]
) -> None:
    demo = DEMO / f"mask_rcnn_R_50_{family}_shapes"
    changed = write_changed_config(tmp_path / "changed.yaml", demo.with_suffix(".yaml"), changes)
    parameters = network_spec(load_config(changed)).parameters
    message = refusal(demo.with_suffix(".pkl"), parameters)
    assert re.findall(r"MODEL\.[A-Z_.]+", message) == settings


def test_weights_of_fpn_are_told_from_those_of_c4() -> None:
    c4, fpn = (DEMO / f"mask_rcnn_R_50_{family}_shapes" for family in ("C4", "FPN"))
    parameters = network_spec(load_config(c4.with_suffix(".yaml"))).parameters
    message = refusal(fpn.with_suffix(".pkl"), parameters)
    assert "feature pyramid (FPN), and the configuration has not: compare MODEL.BACKB" in message
    parameters = network_spec(load_config(fpn.with_suffix(".yaml"))).parameters
    message = refusal(c4.with_suffix(".pkl"), parameters)
    assert "its res5 is in the RoI heads (C4), and the configuration has not" in message


# What is the same, however it is written.


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4", ">f2"])
def test_every_floating_point_type_is_read_as_fp32(tmp_path: Path, dtype: str) -> None:
    model = {name: array.astype(np.float16).astype(dtype) for name, array in tensors().items()}
    reference = {name: array.astype(np.float16) for name, array in tensors().items()}
    weights = load_weights(write_pickle(tmp_path / "a.pkl", model), PARAMETERS)
    expected = load_weights(write_pickle(tmp_path / "b.pkl", reference), PARAMETERS)
    assert weights.keys() == SHAPES.keys()
    for name, array in weights.items():
        assert array.dtype == np.dtype(np.float32)
        np.testing.assert_array_equal(array, expected[name])


def test_fortran_order_and_strides_do_not_matter(tmp_path: Path) -> None:
    model = {name: np.asfortranarray(array) for name, array in tensors().items()}
    weights = load_weights(write_pickle(tmp_path / "a.pkl", model), PARAMETERS)
    expected = load_weights(write_pickle(tmp_path / "b.pkl", tensors()), PARAMETERS)
    for name, array in weights.items():
        np.testing.assert_array_equal(array, expected[name])
        assert array.flags.c_contiguous


def test_the_leftovers_of_older_files_are_passed_over(tmp_path: Path) -> None:
    model = tensors() | {
        "pixel_mean": np.full((3, 1, 1), np.nan, np.float32),
        "pixel_std": np.ones((3, 1, 1), np.float32),
        "proposal_generator.anchor_generator.cell_anchors.0": np.ones((15, 4), np.float32),
        "backbone.stem.conv1.norm.num_batches_tracked": np.array(7),
    }
    assert (
        load_weights(write_pickle(tmp_path / "model.pkl", model), PARAMETERS).keys()
        == SHAPES.keys()
    )


def test_a_pkl_whose_batch_norm_is_folded_is_read_as_it_is(tmp_path: Path) -> None:
    path = write_pickle(tmp_path / "model.pkl", folded_tensors())
    weights = load_weights(path, PARAMETERS)
    for name, array in folded_tensors().items():
        np.testing.assert_array_equal(weights[name], array)


# Files that are no weights.


@pytest.mark.parametrize(
    "name", ["model", "model.onnx", "model.bin", "model.tar.gz", "model.pkl.1"]
)
def test_an_unknown_suffix_is_refused_with_the_known_ones(tmp_path: Path, name: str) -> None:
    path = write_pickle(tmp_path / name, tensors())
    message = refusal(path)
    assert all(suffix in message for suffix in (".pkl", ".pth", ".pt", ".ckpt", ".wts"))


def test_the_suffix_may_be_in_capitals(tmp_path: Path) -> None:
    assert load_weights(write_pickle(tmp_path / "MODEL.PKL", tensors()), PARAMETERS)


@pytest.mark.parametrize("suffix", [".pkl", ".pth", ".wts"])
@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, "No such file"),
        (lambda path: path.mkdir(), "Is a directory"),
        (lambda path: path.touch(), "is empty"),
        (lambda path: os.symlink(path, path), "cannot be read"),
    ],
)
def test_a_path_without_contents_is_refused(
    tmp_path: Path, suffix: str, make: Callable[[Path], None], says: str
) -> None:
    path = tmp_path / f"model{suffix}"
    make(path)
    assert says in refusal(path)


def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path / "a\0b.pkl")


# Tensors that are not those of the network.


@pytest.mark.parametrize("name", list(tensors()))
def test_any_missing_tensor_is_named(tmp_path: Path, name: str) -> None:
    model = tensors()
    del model[name]
    message = refusal_of(tmp_path, model)
    assert "missing (1 of 14):" in message
    assert f"    {name}" in message


def test_missing_unexpected_misshapen_and_unusable_tensors_are_all_in_one_message(
    tmp_path: Path,
) -> None:
    model = tensors()
    model["roi_heads.box_predictor.clsscore.bias"] = model.pop(
        "roi_heads.box_predictor.cls_score.bias"
    )
    model["roi_heads.box_predictor.cls_score.weight"] = np.ones((81, 6), np.float32)
    model["proposal_generator.rpn_head.conv.bias"] = np.ones(5, np.int64)
    message = refusal_of(tmp_path, model)
    for line in (
        "missing (1 of 14):",
        "roi_heads.box_predictor.cls_score.bias (the file has roi_heads.box_predictor.clsscore.bia",
        "not in the network (1):",
        "of another shape (1):",
        "roi_heads.box_predictor.cls_score.weight: (81, 6), expected (9, 6)",
        "unusable (1):",
        "proposal_generator.rpn_head.conv.bias: is int64; expected float16, float32 or float64",
    ):
        assert line in message


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("roi_heads.box_predictor.cls_score.bias", np.ones(9, bool), "is bool"),
        ("roi_heads.box_predictor.cls_score.bias", [1.0] * 9, "is a list"),
        ("roi_heads.box_predictor.cls_score.bias", None, "is a NoneType"),
        ("roi_heads.box_predictor.cls_score.bias", "text", "is a str"),
        (
            "roi_heads.box_predictor.cls_score.bias",
            np.array([1, np.nan, 2, np.inf, -np.inf, 0, 0, 0, 0], np.float16),
            "3 of 9 values are NaN or infinite",
        ),
        (
            "backbone.stem.conv1.norm.running_var",
            np.array([1, -1, 0, -2], np.float32),
            "2 of 4 variances are negative",
        ),
        ("roi_heads.box_predictor.cls_score.bias", np.float32(1), "is a float"),
        ("roi_heads.box_predictor.cls_score.bias", np.ones((9, 1), np.float32), "(9, 1)"),
        ("backbone.stem.conv1.norm.bias", np.ones((1, 4, 1, 1), np.float32), "(1, 4, 1, 1)"),
    ],
)
def test_an_unusable_tensor_is_named_with_its_fault(
    tmp_path: Path, name: str, value: object, says: str
) -> None:
    message = refusal_of(tmp_path, tensors() | {name: value})
    assert f"{name}: " in message
    assert says in message


def test_a_value_that_leaves_fp32_when_folded_is_named(tmp_path: Path) -> None:
    model = tensors()
    model["backbone.stem.conv1.weight"] = np.full((4, 3, 7, 7), 3e38, np.float32)
    model["backbone.stem.conv1.norm.running_var"] = np.zeros(4, np.float32)
    assert "backbone.stem.conv1.weight has values that do not" in refusal_of(tmp_path, model)


def test_a_common_prefix_is_pointed_out(tmp_path: Path) -> None:
    message = refusal_of(tmp_path, {f"net.{name}": a for name, a in tensors().items()})
    assert "14 of the missing tensors are there, but their names begin with 'net.'" in message


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("backbone.fpn_lateral2.weight", "feature pyramid"),
        ("backbone.bottom_up.res2.0.conv1.weight", "MODEL.BACKBONE.NAME"),
        ("backbone.res5.0.conv1.weight", "DC5"),
        ("roi_heads.box_head.fc1.weight", "MODEL.ROI_BOX_HEAD (NUM_CONV, NUM_FC)"),
        ("roi_heads.box_predictor.0.cls_score.weight", "Cascade"),
        ("roi_heads.mask_head.mask_fcn1.weight", "MODEL.ROI_MASK_HEAD.NUM_CONV"),
        ("roi_heads.keypoint_head.conv_fcn1.weight", "MODEL.KEYPOINT_ON is False"),
        ("proposal_generator.rpn_head.conv.conv0.weight", "several convolutions"),
        ("backbone.res4.0.conv2_offset.weight", "deformable"),
        ("sem_seg_head.p2.0.weight", "panoptic"),
        ("head.cls_subnet.0.weight", "RetinaNet"),
        ("backbone.body.layer1.0.conv1.weight", "torchvision"),
        ("layer1.0.conv1.weight", "torchvision"),
        ("model.0.conv.weight", "YOLO"),
    ],
)
def test_a_checkpoint_of_another_architecture_is_recognized(
    tmp_path: Path, name: str, says: str
) -> None:
    message = refusal_of(tmp_path, {name: np.ones(3, np.float32)})
    assert "this looks like a checkpoint of another architecture" in message
    assert says in message
    assert says in refusal_of(tmp_path, tensors() | {name: np.ones(3, np.float32)})


def test_a_long_list_is_cut_and_counted(tmp_path: Path) -> None:
    extra = {f"extra.{i}": np.ones(1, np.float32) for i in range(100)}
    message = refusal_of(tmp_path, tensors() | extra)
    assert "not in the network (100):" in message
    assert "… and 88 more" in message
    assert "extra.11" in message
    assert "extra.12" not in message


def test_a_mask_r_cnn_without_its_mask_head_is_called_a_faster_r_cnn(tmp_path: Path) -> None:
    with_masks = dataclasses.replace(
        PARAMETERS, shapes=SHAPES | {"roi_heads.mask_head.predictor.bias": (8,)}
    )
    message = refusal(write_pickle(tmp_path / "model.pkl", tensors()), with_masks)
    assert "it has no mask head, and MODEL.MASK_ON is True" in message


# The model within the checkpoint.


@pytest.mark.parametrize("key", ["model", "state_dict", "model_state_dict"])
def test_the_model_is_found_under_the_names_that_training_scripts_give_it(
    tmp_path: Path, key: str
) -> None:
    checkpoint = {key: tensors(), "epoch": 3, "ema_state": {"a.b": np.ones(2)}, "optimizer": {}}
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(checkpoint))
    assert load_weights(path, PARAMETERS).keys() == SHAPES.keys()


@pytest.mark.parametrize(
    "prefix",
    [
        "module.",
        "_orig_mod.",
        "model.",
        "module._orig_mod.",
        "_orig_mod.module.",
        "module.module.",
        "model._orig_mod.module.",
        "_fsdp_wrapped_module._orig_mod.",
    ],
)
def test_what_wraps_a_model_is_taken_off_its_names(tmp_path: Path, prefix: str) -> None:
    path = write_pickle(tmp_path / "a.pkl", {f"{prefix}{n}": a for n, a in tensors().items()})
    expected = load_weights(write_pickle(tmp_path / "b.pkl", tensors()), PARAMETERS)
    for name, array in load_weights(path, PARAMETERS).items():
        np.testing.assert_array_equal(array, expected[name])


def test_what_wraps_a_part_of_a_model_is_taken_off_its_names(tmp_path: Path) -> None:
    model = {name.replace("backbone.", "backbone._orig_mod."): a for name, a in tensors().items()}
    path = write_pickle(tmp_path / "model.pkl", {f"module.{name}": a for name, a in model.items()})
    assert load_weights(path, PARAMETERS).keys() == SHAPES.keys()


def test_a_prefix_of_some_names_only_stays(tmp_path: Path) -> None:
    model = {f"model.{name}": a for name, a in tensors().items()} | {"loss.weight": np.ones(3)}
    message = refusal_of(tmp_path, model)
    assert "14 of the missing tensors are there, but their names begin with 'model.'" in message


def test_a_tensor_that_is_there_wrapped_and_not_is_refused(tmp_path: Path) -> None:
    name = "backbone.stem.conv1.weight"
    message = refusal_of(tmp_path, tensors() | {f"_orig_mod.{name}": np.ones(3)})
    assert f"holds {name} twice, as {name} and as _orig_mod.{name}" in message


@pytest.mark.parametrize(
    ("checkpoint", "says"),
    [
        ({"model": {}, "__author__": ""}, "holds no tensors"),
        ({}, "found: nothing"),
        ({"epoch": 3, "weights": {"a.b": 1}}, "found: epoch, weights"),
        ({"state_dict": 3}, "its 'state_dict' is no dictionary"),
        ({"model": [1, 2]}, "'model' is no dictionary"),
        ({"model": None}, "'model' is no dictionary"),
        ({"model": {1: 2}}, "'model' is no dictionary"),
        ({1: 2}, "what it holds is no dictionary"),
        ([1, 2], "one object of type list"),
        (3, "one object of type int"),
        (None, "one object of type NoneType"),
        (np.ones(3), "expected a dictionary"),
        ({"model": tensors(), "matching_heuristics": True}, "matching_heuristics"),
        ({"model": tensors(), "__author__": "Caffe2"}, "res2_0_branch2a_w"),
        ({"blobs": {"conv1_w": np.ones(3)}}, "Detectron 1"),
        ({"res2_0_branch2a_w": np.ones(3), "conv1_w": np.ones(3)}, "Detectron 1"),
        ({"model": {"res4_22_branch2c_bn_s": np.ones(3)}}, "Detectron 1"),
    ],
)
def test_a_checkpoint_without_a_detectron2_model_is_refused(
    tmp_path: Path, checkpoint: object, says: str
) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(checkpoint))
    assert says in refusal(path)


# .wts, which has no shapes.


def test_a_wts_gives_back_exactly_what_was_written(tmp_path: Path) -> None:
    weights = load_weights(write_wts(tmp_path / "model.wts", folded_tensors()), PARAMETERS)
    assert weights.keys() == SHAPES.keys()
    for name, array in folded_tensors().items():
        np.testing.assert_array_equal(weights[name], array)
        assert weights[name].dtype == np.dtype(np.float32)


def test_the_cell_anchors_of_a_wts_are_passed_over(tmp_path: Path) -> None:
    entries = folded_tensors()
    entries["proposal_generator.anchor_generator.cell_anchors.0"] = np.ones((15, 4), np.float32)
    path = write_wts(tmp_path / "model.wts", entries)
    assert load_weights(path, PARAMETERS).keys() == SHAPES.keys()


def test_a_wts_with_another_number_of_values_is_refused(tmp_path: Path) -> None:
    entries = folded_tensors()
    entries["roi_heads.box_predictor.cls_score.weight"] = np.ones(80, np.float32)
    message = refusal(write_wts(tmp_path / "model.wts", entries))
    assert "roi_heads.box_predictor.cls_score.weight: (80,), expected (9, 6)" in message
