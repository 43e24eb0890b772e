from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.config.settings import keys_of, values_by_key
from builder.config.unread import PARTS_NOT_BUILT, UNREAD
from builder.errors import BuildError
from builder.network import ModelConfig, load_config
from builder.network.backbones import BACKBONES
from builder.network.heads import ROI_HEADS
from builder.network.meta_arch import META_ARCHITECTURES
from builder.network.predictors import BOX_HEADS, MASK_HEADS
from builder.network.proposals import PROPOSAL_GENERATORS
from tests.changed_config import nested

ROOT = Path(__file__).parents[3]
CONFIGS = ROOT / "tests" / "configs"
FASTER_RCNN = values_by_key(ModelConfig())
"""detectron2's defaults are the values of its COCO C4 models, but for masks."""
MASK_RCNN = FASTER_RCNN | {
    "MODEL.MASK_ON": True,
    "MODEL.ROI_MASK_HEAD.NAME": "MaskRCNNConvUpsampleHead",
    "MODEL.ROI_MASK_HEAD.NUM_CONV": 0,
    "MODEL.ROI_MASK_HEAD.NORM": "",
    "MODEL.ROI_MASK_HEAD.CONV_DIM": 256,
    "MODEL.ROI_MASK_HEAD.CLS_AGNOSTIC_MASK": False,
}


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str, name: str = "model.yaml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refusal(path: Path) -> str:
    with pytest.raises(BuildError) as refused:
        load_config(path)
    return str(refused.value)


def is_accepted_or_refused(path: Path) -> bool:
    try:
        return isinstance(load_config(path), ModelConfig)
    except BuildError as error:
        return str(path) in str(error)


def values(path: Path) -> dict[str, Any]:
    """The settings in a file, by their dotted names, with the defaults."""
    return values_by_key(load_config(path))


# What loads.


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("COCO-InstanceSegmentation/mask_rcnn_R_50_C4_1x.yaml", MASK_RCNN),
        ("COCO-InstanceSegmentation/mask_rcnn_R_50_C4_3x.yaml", MASK_RCNN),
        (
            "COCO-InstanceSegmentation/mask_rcnn_R_101_C4_3x.yaml",
            MASK_RCNN | {"MODEL.RESNETS.DEPTH": 101},
        ),
        ("COCO-Detection/faster_rcnn_R_50_C4_1x.yaml", FASTER_RCNN),
        ("full_dump.yaml", MASK_RCNN),
    ],
)
def test_the_model_zoos_configurations_load(name: str, expected: dict[str, Any]) -> None:
    assert values(CONFIGS / name) == expected


def test_the_demos_configuration_loads_with_its_own_values() -> None:
    assert values(ROOT / "demo" / "mask_rcnn_R_50_C4_shapes.yaml") == MASK_RCNN | {
        "MODEL.RESNETS.STEM_OUT_CHANNELS": 16,
        "MODEL.RESNETS.RES2_OUT_CHANNELS": 64,
        "MODEL.RESNETS.WIDTH_PER_GROUP": 16,
        "MODEL.ANCHOR_GENERATOR.SIZES": ((16.0, 32.0, 64.0, 128.0, 256.0),),
        "MODEL.RPN.PRE_NMS_TOPK_TEST": 1000,
        "MODEL.RPN.POST_NMS_TOPK_TEST": 200,
        "MODEL.ROI_HEADS.NUM_CLASSES": 8,
        "MODEL.ROI_MASK_HEAD.CONV_DIM": 64,
        "INPUT.MIN_SIZE_TEST": 288,
        "INPUT.MAX_SIZE_TEST": 480,
    }


def test_the_defaults_are_detectron2s_own() -> None:
    """full_dump.yaml is detectron2's dump of mask_rcnn_R_50_C4_1x, which changes MASK_ON alone."""
    dumped = yaml.safe_load((CONFIGS / "full_dump.yaml").read_text())
    for key, value in MASK_RCNN.items():
        section = dumped
        *parents, name = key.split(".")
        for parent in parents:
            section = section[parent]
        assert json.loads(json.dumps(value)) == section[name], key


def test_every_setting_of_a_full_dump_is_declared_or_listed_and_no_other() -> None:
    ours = {*keys_of(ModelConfig), *UNREAD}
    sections = {key[:i] for key in ours for i, letter in enumerate(key) if letter == "."}
    theirs = set()

    def walk(settings: dict[str, Any], prefix: str = "") -> None:
        for name, value in settings.items():
            if prefix + name in sections:
                walk(value, f"{prefix}{name}.")
            else:
                theirs.add(prefix + name)

    walk(yaml.safe_load((CONFIGS / "full_dump.yaml").read_text()))
    assert theirs == ours
    assert not {*keys_of(ModelConfig)} & UNREAD


def test_a_part_that_is_built_declares_its_settings() -> None:
    built = {*META_ARCHITECTURES, *BACKBONES, *PROPOSAL_GENERATORS, *ROI_HEADS, *BOX_HEADS}
    built |= MASK_HEADS.keys()
    assert not built & PARTS_NOT_BUILT.keys()


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("MODEL.PIXEL_STD", "[57.375, 57.12, 58.395]", (57.375, 57.12, 58.395)),
        ("MODEL.PIXEL_MEAN", "[0, -1, 2]", (0.0, -1.0, 2.0)),
        # As in detectron2, a string that spells a Python value is that value.
        ("MODEL.RPN.BBOX_REG_WEIGHTS", '"(2, 2, 1.5, 1)"', (2, 2, 1.5, 1)),
        ("MODEL.ROI_HEADS.SCORE_THRESH_TEST", "1e-3", 0.001),
        ("MODEL.ANCHOR_GENERATOR.SIZES", "[[8, 16.5]]", ((8.0, 16.5),)),
        ("MODEL.ANCHOR_GENERATOR.SIZES", "[8, 16]", ((8.0, 16.0),)),
        ("MODEL.ANCHOR_GENERATOR.SIZES", "[8]", ((8.0,),)),
        ("MODEL.ANCHOR_GENERATOR.ASPECT_RATIOS", "[[1]]", ((1.0,),)),
        ("MODEL.ANCHOR_GENERATOR.OFFSET", "0.5", 0.5),
        ("MODEL.ROI_BOX_HEAD.POOLER_RESOLUTION", "16", 16),
        ("MODEL.RESNETS.DEPTH", "152", 152),
        ("MODEL.RESNETS.NORM", "BN", "BN"),
        ("MODEL.RESNETS.NORM", "SyncBN", "SyncBN"),
        ("MODEL.RESNETS.OUT_FEATURES", "[res4]", ("res4",)),
    ],
)
def test_a_supported_setting_is_read(write: Write, key: str, text: str, expected: object) -> None:
    value = values(write(yaml.safe_dump(nested({key: "VALUE"})).replace("VALUE", text)))[key]
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    "text",
    [
        "SOLVER: {OPTIMIZER: {OF: ours}}",
        "MODEL: {ROI_MASK_HEAD: {NUM_CONV: 4, CLS_AGNOSTIC_MASK: True}}",
        "MODEL: {FPN: {IN_FEATURES: [res2]}, WEIGHTS: a.pkl}",
        "INPUT: {MIN_SIZE_TRAIN: '(640, 672)'}",
    ],
)
def test_what_only_training_or_an_absent_part_looks_at_changes_nothing(
    write: Write, text: str
) -> None:
    assert values(write(text)) == FASTER_RCNN


# Bases.


def test_a_file_overrides_its_base_key_by_key(write: Write) -> None:
    write("MODEL: {MASK_ON: True, ROI_HEADS: {NUM_CLASSES: 3, NMS_THRESH_TEST: 0.4}}", "base.yaml")
    path = write("_BASE_: ../base.yaml\nMODEL: {ROI_HEADS: {NUM_CLASSES: 5}}", "sub/model.yaml")
    assert values(path) == MASK_RCNN | {
        "MODEL.ROI_HEADS.NUM_CLASSES": 5,
        "MODEL.ROI_HEADS.NMS_THRESH_TEST": 0.4,
    }


def test_an_unsupported_setting_of_a_base_may_be_overridden(write: Write) -> None:
    write("MODEL: {META_ARCHITECTURE: RetinaNet}", "base.yaml")
    path = write("_BASE_: base.yaml\nMODEL: {META_ARCHITECTURE: GeneralizedRCNN}")
    assert load_config(path) == ModelConfig()


def test_of_several_bases_the_last_one_wins(write: Write) -> None:
    write("MODEL: {ROI_HEADS: {NUM_CLASSES: 3}}", "a.yaml")
    write("MODEL: {ROI_HEADS: {NUM_CLASSES: 4}}", "b.yaml")
    assert load_config(write("_BASE_: [a.yaml, b.yaml]")).model.num_classes == 4


def test_a_base_below_the_home_folder_is_found(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    write("MODEL: {ROI_HEADS: {NUM_CLASSES: 3}}", "home/configs/base.yaml")
    assert load_config(write("_BASE_: ~/configs/base.yaml")).model.num_classes == 3


def test_a_circle_of_bases_is_shown(write: Write) -> None:
    write("_BASE_: b.yaml", "a.yaml")
    write("_BASE_: c.yaml", "b.yaml")
    message = refusal(write("_BASE_: ./a.yaml", "c.yaml"))
    assert "circle" in message
    assert message.index("c.yaml") < message.index("a.yaml") < message.index("b.yaml")


def test_a_missing_base_is_named_with_the_files_that_led_to_it(write: Write) -> None:
    write("_BASE_: gone.yaml", "middle.yaml")
    message = refusal(write("_BASE_: middle.yaml"))
    assert "No such file" in message
    assert all(name in message for name in ("model.yaml", "middle.yaml", "gone.yaml"))


def test_a_refused_setting_of_a_base_is_reported_with_the_bases_name(write: Write) -> None:
    write("MODEL: {KEYPOINT_ON: True}", "base.yaml")
    assert "base.yaml" in refusal(write("_BASE_: base.yaml"))


@pytest.mark.parametrize("base", ["3", "null", "''", "[a.yaml, 3]", "{a: b}", "true"])
def test_a_base_that_is_no_path_is_refused(write: Write, base: str) -> None:
    write("MODEL: {}", "a.yaml")
    assert "_BASE_" in refusal(write(f"_BASE_: {base}"))


def test_a_base_on_the_web_is_refused_with_what_to_do(write: Write) -> None:
    assert "download" in refusal(write("_BASE_: https://example.org/base.yaml"))


# What is refused, by its dotted name.


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("VERSION", 1),
        ("MODEL.META_ARCHITECTURE", "RetinaNet"),
        ("MODEL.META_ARCHITECTURE", "PanopticFPN"),
        ("MODEL.META_ARCHITECTURE", None),
        ("MODEL.BACKBONE.NAME", "build_mobilenet"),
        ("MODEL.ROI_HEADS.IN_FEATURES", ["res5"]),
        ("MODEL.RESNETS.NORM", "GN"),
        ("MODEL.RESNETS.NORM", ""),
        ("MODEL.RESNETS.DEFORM_ON_PER_STAGE", [False, True, True, True]),
        ("MODEL.PROPOSAL_GENERATOR.NAME", "PrecomputedProposals"),
        ("MODEL.PROPOSAL_GENERATOR.MIN_SIZE", 16),
        ("MODEL.RPN.HEAD_NAME", "OurRPNHead"),
        ("MODEL.RPN.CONV_DIMS", [-1, -1]),
        ("MODEL.RPN.CONV_DIMS", [256]),
        ("MODEL.ANCHOR_GENERATOR.NAME", "RotatedAnchorGenerator"),
        ("MODEL.ROI_HEADS.NAME", "RROIHeads"),
        ("MODEL.ROI_BOX_HEAD.POOLER_TYPE", "ROIAlign"),
        ("MODEL.ROI_BOX_HEAD.POOLER_SAMPLING_RATIO", 2),
        ("MODEL.ROI_BOX_HEAD.USE_SIGMOID_CE", True),
        ("MODEL.ROI_BOX_HEAD.USE_FED_LOSS", True),
        ("MODEL.KEYPOINT_ON", True),
        ("MODEL.LOAD_PROPOSALS", True),
        ("MODEL.ROI_MASK_HEAD.NAME", "PointRendMaskHead"),
        ("INPUT.FORMAT", "L"),
        ("TEST.AUG.ENABLED", True),
    ],
)
def test_a_setting_that_asks_for_another_network_is_refused(
    write: Write, key: str, value: object
) -> None:
    message = refusal(write(yaml.safe_dump(nested({"MODEL.MASK_ON": True, key: value}))))
    default = MASK_RCNN[key]
    shown = list(default) if isinstance(default, tuple) else default
    assert re.search(
        rf"{key} is {re.escape(repr(value))}; supported: {re.escape(repr(shown))}.* \(.+\)", message
    )
    assert "1 setting" in message


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"NUM_KEYPOINTS": 0}, "NUM_KEYPOINTS is 0; supported: an integer from 1"),
        ({"CONV_DIMS": 512}, "CONV_DIMS is 512; supported: a list of numbers"),
        ({"CONV_DIMS": [512, 0]}, r"CONV_DIMS is \[512, 0\]; supported: a list of numbers, each"),
        ({"NAME": "OurHead"}, "NAME is 'OurHead'; supported: 'KRCNNConvDeconvUpsampleHead'"),
        ({"POOLER_TYPE": "ROIPool"}, "POOLER_TYPE is 'ROIPool'; supported: ROIAlignV2 or ROIAlign"),
    ],
)
def test_a_keypoint_head_that_is_not_built_is_refused(
    write: Write, settings: dict[str, object], message: str
) -> None:
    head = {f"MODEL.ROI_KEYPOINT_HEAD.{key}": value for key, value in settings.items()}
    text = yaml.safe_dump(nested({**FPN, "MODEL.KEYPOINT_ON": True, **head}))
    assert re.search(message, refusal(write(text)))
    load_config(write(yaml.safe_dump(nested({**FPN, **head}))))  # without keypoints unread


def test_there_is_a_sigma_for_each_point_or_none(write: Write) -> None:
    settings = {**FPN, "MODEL.KEYPOINT_ON": True, "MODEL.ROI_KEYPOINT_HEAD.NUM_KEYPOINTS": 3}
    sigmas = "TEST.KEYPOINT_OKS_SIGMAS"
    two = write(yaml.safe_dump(nested({**settings, sigmas: [0.1, 0.2]})))
    assert "KEYPOINT_OKS_SIGMAS are 2 and MODEL.ROI_KEYPOINT_HEAD.NUM_KEYPOINTS is 3" in refusal(
        two
    )
    three = load_config(write(yaml.safe_dump(nested({**settings, sigmas: [0.1, 0.2, 0.3]}))))
    head = three.model.keypoint_head
    assert head is not None
    assert head.oks_sigmas == (0.1, 0.2, 0.3)
    assert head.conv_dims == (512,) * 8


FPN = {
    "MODEL.BACKBONE.NAME": "build_resnet_fpn_backbone",
    "MODEL.RESNETS.OUT_FEATURES": ["res2", "res3", "res4", "res5"],
    "MODEL.ANCHOR_GENERATOR.SIZES": [[32], [64], [128], [256], [512]],
    "MODEL.RPN.IN_FEATURES": ["p2", "p3", "p4", "p5", "p6"],
    "MODEL.ROI_HEADS.NAME": "StandardROIHeads",
    "MODEL.ROI_HEADS.IN_FEATURES": ["p2", "p3", "p4", "p5"],
    "MODEL.ROI_BOX_HEAD.NUM_FC": 2,
    "MODEL.ROI_BOX_HEAD.POOLER_RESOLUTION": 7,
    "MODEL.ROI_MASK_HEAD.NUM_CONV": 4,
    "MODEL.MASK_ON": True,
}
"""What detectron2's Base-RCNN-FPN.yaml changes, with masks."""


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({}, "Mask R-CNN R50-FPN"),
        ({"MODEL.MASK_ON": False, "MODEL.RESNETS.DEPTH": 101}, "Faster R-CNN R101-FPN"),
        (
            {
                "MODEL.RESNETS.DEPTH": 101,
                "MODEL.RESNETS.NUM_GROUPS": 32,
                "MODEL.RESNETS.WIDTH_PER_GROUP": 8,
                "MODEL.RESNETS.STRIDE_IN_1X1": False,
            },
            "Mask R-CNN X101-32x8d-FPN",
        ),
        (
            {
                "MODEL.BACKBONE.NAME": "build_resnet_backbone",
                "MODEL.RESNETS.OUT_FEATURES": ["res5"],
                "MODEL.RESNETS.RES5_DILATION": 2,
                "MODEL.ANCHOR_GENERATOR.SIZES": [[32, 64, 128, 256, 512]],
                "MODEL.RPN.IN_FEATURES": ["res5"],
                "MODEL.ROI_HEADS.IN_FEATURES": ["res5"],
            },
            "Mask R-CNN R50-DC5",
        ),
    ],
)
def test_the_families_of_the_model_zoo_load(
    write: Write, changes: dict[str, object], title: str
) -> None:
    assert load_config(write(yaml.safe_dump(nested(FPN | changes)))).model.title == title


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"MODEL.RPN.IN_FEATURES": ["p2", "p3", "p4", "p5", "p7"]}, "MODEL.RPN.IN_FEATURES is ["),
        ({"MODEL.ROI_HEADS.IN_FEATURES": ["res4"]}, "MODEL.ROI_HEADS.IN_FEATURES is ['res4']"),
        ({"MODEL.FPN.IN_FEATURES": ["res2", "res4"]}, "MODEL.FPN.IN_FEATURES is ['res2', 'res4']"),
        ({"MODEL.RESNETS.OUT_FEATURES": ["res4", "res5"]}, "MODEL.FPN.IN_FEATURES is ['res2'"),
        ({"MODEL.ANCHOR_GENERATOR.SIZES": [[32], [64]]}, "MODEL.ANCHOR_GENERATOR.SIZES is [[32"),
        (
            {"MODEL.FPN.IN_FEATURES": ["res2", "res3", "res4"]},
            "MODEL.FPN.IN_FEATURES is ['res2', 'res3', 'res4']",
        ),
        ({"MODEL.ROI_HEADS.IN_FEATURES": ["p2", "p4"]}, "IN_FEATURES is ['p2', 'p4']; supported"),
        ({"MODEL.ROI_HEADS.IN_FEATURES": ["p3", "p2"]}, "IN_FEATURES is ['p3', 'p2']; supported"),
        (
            {
                "MODEL.BACKBONE.NAME": "build_resnet_backbone",
                "MODEL.ANCHOR_GENERATOR.SIZES": [[32], [64]],
                "MODEL.RPN.IN_FEATURES": ["res4", "res5"],
                "MODEL.ROI_HEADS.IN_FEATURES": ["res4"],
            },
            "MODEL.RPN.IN_FEATURES is ['res4', 'res5']; supported: maps with one number of",
        ),
        (
            {"MODEL.ANCHOR_GENERATOR.SIZES": [[16, 24], [32], [64], [128], [256]]},
            "MODEL.ANCHOR_GENERATOR.SIZES and ASPECT_RATIOS make 3 to 6 anchors",
        ),
        ({"MODEL.RESNETS.RES5_DILATION": 2}, "MODEL.RESNETS.RES5_DILATION is 2"),
        ({"MODEL.ROI_BOX_HEAD.NUM_FC": 0}, "NUM_CONV and NUM_FC are 0"),
        ({"MODEL.FPN.NORM": "GN"}, "MODEL.FPN.NORM is 'GN'"),
        ({"MODEL.ROI_BOX_HEAD.NORM": "GN"}, "MODEL.ROI_BOX_HEAD.NORM is 'GN'"),
        ({"MODEL.ROI_MASK_HEAD.NORM": "GN"}, "MODEL.ROI_MASK_HEAD.NORM is 'GN'"),
        ({"MODEL.ROI_BOX_HEAD.NAME": "OurHead"}, "MODEL.ROI_BOX_HEAD.NAME is 'OurHead'"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(
    write: Write, changes: dict[str, object], says: str
) -> None:
    message = refusal(write(yaml.safe_dump(nested(FPN | changes))))
    assert says in message
    assert "1 setting" in message


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"MODEL.RESNETS.STRIDE_IN_1X1": False}, "STRIDE_IN_1X1 is False"),
        ({"MODEL.RESNETS.NUM_GROUPS": 32}, "NUM_GROUPS is 32"),
        ({"MODEL.ROI_MASK_HEAD.NUM_CONV": 4}, "MODEL.ROI_MASK_HEAD.NUM_CONV is 4"),
    ],
)
def test_heads_that_share_res5_refuse_what_res5_over_rois_cannot_do(
    write: Write, changes: dict[str, object], says: str
) -> None:
    message = refusal(write(yaml.safe_dump(nested({"MODEL.MASK_ON": True} | changes))))
    assert says in message
    assert "Res5ROIHeads" in message


_NOT_THREE_OR_FOUR_NUMBERS: tuple[object, ...] = (
    [],
    [1, 2],
    [1, 2, 3, 4, 5],
    1,
    "1, 2, 'x'",
    [1, 2, None],
    [[1, 2, 3]],
    None,
)
_NOT_INTEGERS = ("many", "", None, [1], {"a": 1}, 1.5, True, 0, -1, 10**9, 2**4000, float("nan"))
_NOT_FRACTIONS = ("high", None, [0.5], True, -0.1, 1.1, float("nan"), float("inf"), 2**4000)


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("MODEL.MASK_ON", ("maybe", None, 1, 0, [], 0.0)),
        (
            "MODEL.PIXEL_MEAN",
            (*_NOT_THREE_OR_FOUR_NUMBERS, [1, 2, float("nan")], [1, 2, float("inf")]),
        ),
        ("MODEL.PIXEL_STD", (*_NOT_THREE_OR_FOUR_NUMBERS, [1, 1, 0], [1, -1, 1], [1, 1, True])),
        ("MODEL.RPN.BBOX_REG_WEIGHTS", (*_NOT_THREE_OR_FOUR_NUMBERS, [1, 1, 1, 0])),
        ("MODEL.ROI_BOX_HEAD.BBOX_REG_WEIGHTS", (*_NOT_THREE_OR_FOUR_NUMBERS, [10, 10, -5, 5])),
        ("INPUT.MIN_SIZE_TEST", _NOT_INTEGERS),
        ("INPUT.MAX_SIZE_TEST", _NOT_INTEGERS),
        ("MODEL.RESNETS.DEPTH", (*_NOT_INTEGERS, 18, 34, 51, "50 layers")),
        ("MODEL.RESNETS.STEM_OUT_CHANNELS", _NOT_INTEGERS),
        ("MODEL.RESNETS.RES2_OUT_CHANNELS", _NOT_INTEGERS),
        ("MODEL.RESNETS.WIDTH_PER_GROUP", _NOT_INTEGERS),
        ("MODEL.RPN.PRE_NMS_TOPK_TEST", _NOT_INTEGERS),
        ("MODEL.RPN.POST_NMS_TOPK_TEST", _NOT_INTEGERS),
        ("MODEL.ROI_HEADS.NUM_CLASSES", _NOT_INTEGERS),
        ("MODEL.ROI_BOX_HEAD.POOLER_RESOLUTION", (*_NOT_INTEGERS, 7, 15)),
        ("MODEL.ROI_MASK_HEAD.CONV_DIM", _NOT_INTEGERS),
        ("TEST.DETECTIONS_PER_IMAGE", _NOT_INTEGERS),
        ("MODEL.RPN.NMS_THRESH", _NOT_FRACTIONS),
        ("MODEL.ROI_HEADS.SCORE_THRESH_TEST", _NOT_FRACTIONS),
        ("MODEL.ROI_HEADS.NMS_THRESH_TEST", _NOT_FRACTIONS),
        ("MODEL.ANCHOR_GENERATOR.OFFSET", (*_NOT_FRACTIONS, 1, 1.0)),
        (
            "MODEL.ANCHOR_GENERATOR.SIZES",
            ([[32], [64], [128]], [], [[]], [[32, "x"]], [[0]], [[-8]], 32, None, [[[32]]]),
        ),
        ("MODEL.ANCHOR_GENERATOR.ASPECT_RATIOS", ([[1], [2]], [], [[]], [[0]], "wide", True)),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_by_name(
    write: Write, key: str, values: tuple[object, ...]
) -> None:
    for value in values:
        message = refusal(write(yaml.safe_dump(nested({"MODEL.MASK_ON": True, key: value}))))
        assert f"{key} is " in message, value
        assert "; supported: " in message, value


@pytest.mark.parametrize(
    ("text", "found", "nearest"),
    [
        ("MODEL: {MASK_ONN: True}", "MODEL.MASK_ONN", "MODEL.MASK_ON"),
        ("MODEL: {mask_on: True}", "MODEL.mask_on", "MODEL.MASK_ON"),
        (
            "MODEL: {ROI_HEADS: {NUM_CLASESS: 3}}",
            "MODEL.ROI_HEADS.NUM_CLASESS",
            "MODEL.ROI_HEADS.NUM_CLASSES",
        ),
        ("NUM_CLASSES: 3", "NUM_CLASSES", "MODEL.ROI_HEADS.NUM_CLASSES"),
        ("MODEL: {RESNET: {DEPTH: 50}}", "MODEL.RESNET", "MODEL.RESNETS"),
        (
            "MODEL: {RPN: {PRE_NMS_TOPK: 100}}",
            "MODEL.RPN.PRE_NMS_TOPK",
            "MODEL.RPN.PRE_NMS_TOPK_TEST",
        ),
        (
            "TEST: {DETECTIONS_PER_IMG: 100}",
            "TEST.DETECTIONS_PER_IMG",
            "TEST.DETECTIONS_PER_IMAGE",
        ),
    ],
)
def test_a_misspelt_setting_is_refused_with_the_nearest_name(
    write: Write, text: str, found: str, nearest: str
) -> None:
    message = refusal(write(text))
    assert f"{found} is not a setting of detectron2; did you mean {nearest}?" in message


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("MODEL: {ROI_HEADS: {SOFT_NMS_ENABLED: True}}", "MODEL.ROI_HEADS.SOFT_NMS_ENABLED"),
        ("MODEL: {POINT_HEAD: {NAME: Standard}}", "MODEL.POINT_HEAD"),
        ("MODEL.MASK_ON: True", "['MODEL.MASK_ON']"),
        ("MODEL: {1: 2}", "MODEL.[1]"),
    ],
)
def test_a_setting_that_detectron2_does_not_know_is_refused(
    write: Write, text: str, named: str
) -> None:
    assert named in refusal(write(text))


@pytest.mark.parametrize("value", ["", "5", "[a]", "text"])
@pytest.mark.parametrize("section", ["MODEL", "MODEL.RPN", "TEST.AUG", "INPUT"])
def test_a_value_in_place_of_a_section_is_refused(write: Write, section: str, value: str) -> None:
    text = yaml.safe_dump(nested({section: "VALUE"})).replace("VALUE", value)
    assert f"{section} is " in (message := refusal(write(text)))
    assert "section of settings" in message


def test_a_long_side_below_the_short_side_is_refused(write: Write) -> None:
    message = refusal(write("INPUT: {MIN_SIZE_TEST: 800, MAX_SIZE_TEST: 640}"))
    assert "INPUT.MAX_SIZE_TEST is 640" in message
    assert "800" in message


def test_all_problems_of_a_file_are_listed_at_once(write: Write) -> None:
    message = refusal(
        write(
            "MODEL: {BACKBONE: {NAME: other}, RPN: {NMS_THRESH: 7}, MASK_OM: True, TEST: 1}\n"
            "INPUT: {FORMAT: L}"
        )
    )
    assert "5 settings" in message
    for key in (
        "MODEL.BACKBONE.NAME",
        "MODEL.RPN.NMS_THRESH",
        "MODEL.MASK_OM",
        "MODEL.TEST",
        "INPUT.FORMAT",
    ):
        assert key in message


# Files that are no configuration.


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "nothing"),
        (b"# only a comment", "nothing"),
        (b"- a\n- b", "list"),
        (b"just text", "str"),
        (b"42", "int"),
        (b"MODEL: {", "is not YAML"),
        (b"MODEL:\n\t- a", "is not YAML"),
        (b"a: &a [*b]", "is not YAML"),
        (b"MODEL: {? [a, b] : 2}", "unhashable key"),
        (b"\x80\x04\x95\x00", "is not text in UTF-8"),
        (b"\xff\xfeM\x00O\x00", "is not text in UTF-8"),
        (b"MODEL: \x00", "is not YAML"),
        (b"[" * 5000, "is not YAML"),
        (b"SEED: !!int ''", "is not YAML"),
        (b"SEED: 2001-99-99", "is not YAML"),
        (b"SEED: " + b"1" * 5000, "is not YAML"),
        (b"--- {}\n--- {}", "is not YAML"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(
    tmp_path: Path, content: bytes, says: str
) -> None:
    path = tmp_path / "model.yaml"
    path.write_bytes(content)
    message = refusal(path)
    assert says in message
    assert str(path) in message


@pytest.mark.parametrize(
    "text",
    [
        "model:\n  _target_: detectron2.modeling.GeneralizedRCNN\n  roi_heads: {num_classes: 3}\n",
        "dataloader:\n  test: {dataset: {_target_: detectron2.data.get, names: x}}\n",
        'lr_multiplier: {"_target_": x}\nmodel: !!python/object:torch.nn.Module {}\n',
        "_BASE_: base.yaml\n_target_: x\n",
    ],
)
def test_the_yaml_of_a_lazy_config_is_told_what_to_give_instead(write: Write, text: str) -> None:
    message = refusal(write(text))
    assert "was written by LazyConfig (it has `_target_`)" in message
    assert (
        "start from the model zoo's YAML of the same model, such as mask_rcnn_R_50_FPN" in message
    )


def test_a_comment_does_not_make_a_lazy_config(write: Write) -> None:
    assert load_config(write("SEED: 1  # unlike _target_: x\n"))


def test_a_tag_that_runs_code_is_refused_and_does_not_run(write: Write, tmp_path: Path) -> None:
    marker = tmp_path / "was_run"
    text = f"SEED: !!python/object/apply:os.mkdir ['{marker}']"
    yaml.unsafe_load(text)
    assert marker.exists()  # the tag does run where it is let
    marker.rmdir()
    assert "plain YAML values" in refusal(write(text))
    assert not marker.exists()


def test_a_mapping_that_holds_itself_is_refused(write: Write) -> None:
    assert "MODEL.MODEL" in refusal(write("MODEL: &m\n  MODEL: *m\n"))
    assert "MODEL.RPN.X" in refusal(write("MODEL: {RPN: &r {X: *r}}"))
    assert "MODEL.PIXEL_MEAN" in refusal(write("MODEL: {PIXEL_MEAN: &l [*l, *l, *l]}"))


def _multiplied(first: str, each: str) -> str:
    """Eleven lines, of which each holds the one before it nine times."""
    lines = [f"A0: &a0 {first}"]
    for number in range(1, 12):
        lines.append(f"A{number}: &a{number} {each}" % ", ".join([f"*a{number - 1}"] * 9))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (_multiplied("{x: y}", "{<<: [%s]}"), "merge keys (<<) are not read"),
        (_multiplied("[x, x]", "[%s]") + "_BASE_: [*a11]", "_BASE_ is [["),
        (_multiplied("[x, x]", "[%s]") + "MODEL: {PIXEL_MEAN: *a11}", "MODEL.PIXEL_MEAN is [["),
        ("_BASE_: /dev/zero", "/dev/zero: is larger than 100000 bytes"),
        ("\n".join(f"A{i}: 1" for i in range(9000)), "… and 8950 more"),
        ("#" * 100_001, "is larger than 100000 bytes"),
    ],
    ids=["merge keys", "base", "value", "/dev/zero", "many settings", "large file"],
)
def test_a_small_file_takes_no_great_time_or_memory_to_refuse(
    write: Write, text: str, says: str
) -> None:
    message = refusal(write(text))
    assert says in message
    assert len(message) < 20_000


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("gone.yaml", "No such file"),
        (".", "Is a directory"),
        ("with\0nul.yaml", "cannot be read"),
        ("lazy_config.py", "in Python (LazyConfig) are not read"),
    ],
)
def test_a_path_that_cannot_be_read_is_refused(tmp_path: Path, name: str, says: str) -> None:
    assert says in refusal(tmp_path / name)


# Anything at all.

_KEYS = sorted({*keys_of(ModelConfig)})
_SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.dates()
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=4))
def test_any_value_of_any_setting_is_accepted_or_refused(
    tmp_path: Path, values: dict[str, object]
) -> None:
    path = tmp_path / "model.yaml"
    path.write_text(yaml.safe_dump(nested(values), allow_unicode=True), encoding="utf-8")
    assert is_accepted_or_refused(path)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda t: t.encode(errors="replace")))
def test_any_bytes_are_accepted_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.yaml"
    path.write_bytes(content)
    assert is_accepted_or_refused(path)
