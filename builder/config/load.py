"""The part of a detectron2 configuration that decides what the network computes.

`load_config` reads detectron2's YAML, fills in detectron2's defaults and refuses, by name, every
setting that asks for something other than the Mask R-CNN or Faster R-CNN C4 that is built here.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

from builder.config.detectron2_settings import IGNORED, REQUIRED, REQUIRED_FOR_MASKS
from builder.config.rules import (
    FINITE,
    FRACTION,
    POSITIVE,
    Rule,
    boolean,
    for_one_feature_map,
    integer,
    number,
    numbers,
    one_of,
)
from builder.config.yaml_files import read_with_bases, shown
from builder.errors import BuildError


def _setting(key: str, default: Any, rule: Rule) -> Any:
    return field(default=default, metadata={"key": key, "rule": rule})


@dataclass(frozen=True)
class ModelConfig:
    """What the network is built from. The defaults are detectron2's.

    Each field names the detectron2 setting that it holds. Boxes, sizes and anchors are in pixels
    of the resized picture.
    """

    mask_on: bool = _setting("MODEL.MASK_ON", False, boolean())
    """MODEL.MASK_ON: True is Mask R-CNN, False is Faster R-CNN."""

    pixel_mean: tuple[float, float, float] = _setting(
        "MODEL.PIXEL_MEAN", (103.53, 116.28, 123.675), numbers(3, FINITE)
    )
    """MODEL.PIXEL_MEAN: taken off each channel (blue, green, red), in grey levels 0…255."""

    pixel_std: tuple[float, float, float] = _setting(
        "MODEL.PIXEL_STD", (1.0, 1.0, 1.0), numbers(3, POSITIVE)
    )
    """MODEL.PIXEL_STD: each channel (blue, green, red) is divided by it, in grey levels."""

    min_size_test: int = _setting("INPUT.MIN_SIZE_TEST", 800, integer())
    """INPUT.MIN_SIZE_TEST: length of the short side after resizing, in pixels."""

    max_size_test: int = _setting("INPUT.MAX_SIZE_TEST", 1333, integer())
    """INPUT.MAX_SIZE_TEST: bound of the long side after resizing, in pixels."""

    resnet_depth: int = _setting("MODEL.RESNETS.DEPTH", 50, one_of(50, 101, 152))
    """MODEL.RESNETS.DEPTH: layers of the ResNet, which fix the blocks of each stage."""

    stem_out_channels: int = _setting("MODEL.RESNETS.STEM_OUT_CHANNELS", 64, integer())
    """MODEL.RESNETS.STEM_OUT_CHANNELS: channels after the stem."""

    res2_out_channels: int = _setting("MODEL.RESNETS.RES2_OUT_CHANNELS", 256, integer())
    """MODEL.RESNETS.RES2_OUT_CHANNELS: channels after res2; each later stage doubles them."""

    width_per_group: int = _setting("MODEL.RESNETS.WIDTH_PER_GROUP", 64, integer())
    """MODEL.RESNETS.WIDTH_PER_GROUP: bottleneck channels of res2; each later stage doubles them."""

    anchor_sizes: tuple[float, ...] = _setting(
        "MODEL.ANCHOR_GENERATOR.SIZES",
        (32.0, 64.0, 128.0, 256.0, 512.0),
        for_one_feature_map(POSITIVE),
    )
    """MODEL.ANCHOR_GENERATOR.SIZES: square roots of the anchors' areas, in pixels."""

    anchor_aspect_ratios: tuple[float, ...] = _setting(
        "MODEL.ANCHOR_GENERATOR.ASPECT_RATIOS",
        (0.5, 1.0, 2.0),
        for_one_feature_map(POSITIVE),
    )
    """MODEL.ANCHOR_GENERATOR.ASPECT_RATIOS: height / width of the anchors."""

    anchor_offset: float = _setting(
        "MODEL.ANCHOR_GENERATOR.OFFSET",
        0.0,
        number("a number from 0 to less than 1", lambda x: 0 <= x < 1),
    )
    """MODEL.ANCHOR_GENERATOR.OFFSET: centre of the first anchor, in strides of 16 pixels."""

    rpn_pre_nms_topk: int = _setting("MODEL.RPN.PRE_NMS_TOPK_TEST", 6000, integer())
    """MODEL.RPN.PRE_NMS_TOPK_TEST: anchors of the highest objectness that go into the NMS."""

    rpn_post_nms_topk: int = _setting("MODEL.RPN.POST_NMS_TOPK_TEST", 1000, integer())
    """MODEL.RPN.POST_NMS_TOPK_TEST: most proposals that come out of the NMS."""

    rpn_nms_thresh: float = _setting("MODEL.RPN.NMS_THRESH", 0.7, FRACTION)
    """MODEL.RPN.NMS_THRESH: intersection over union above which a proposal is suppressed."""

    rpn_bbox_reg_weights: tuple[float, float, float, float] = _setting(
        "MODEL.RPN.BBOX_REG_WEIGHTS", (1.0, 1.0, 1.0, 1.0), numbers(4, POSITIVE)
    )
    """MODEL.RPN.BBOX_REG_WEIGHTS: divisors of the RPN's (dx, dy, dw, dh)."""

    num_classes: int = _setting("MODEL.ROI_HEADS.NUM_CLASSES", 80, integer())
    """MODEL.ROI_HEADS.NUM_CLASSES: foreground classes, background not counted."""

    score_thresh: float = _setting("MODEL.ROI_HEADS.SCORE_THRESH_TEST", 0.05, FRACTION)
    """MODEL.ROI_HEADS.SCORE_THRESH_TEST: only a class probability above it is a detection."""

    nms_thresh: float = _setting("MODEL.ROI_HEADS.NMS_THRESH_TEST", 0.5, FRACTION)
    """MODEL.ROI_HEADS.NMS_THRESH_TEST: intersection over union above which a detection of the
    same class is suppressed."""

    pooler_resolution: int = _setting(
        "MODEL.ROI_BOX_HEAD.POOLER_RESOLUTION", 14, integer(multiple_of=2)
    )
    """MODEL.ROI_BOX_HEAD.POOLER_RESOLUTION: bins of a pooled region in each axis, and the side of
    a mask. Even, because res5 halves it and the mask head doubles it again."""

    box_bbox_reg_weights: tuple[float, float, float, float] = _setting(
        "MODEL.ROI_BOX_HEAD.BBOX_REG_WEIGHTS", (10.0, 10.0, 5.0, 5.0), numbers(4, POSITIVE)
    )
    """MODEL.ROI_BOX_HEAD.BBOX_REG_WEIGHTS: divisors of the box predictor's (dx, dy, dw, dh)."""

    mask_conv_dim: int = _setting("MODEL.ROI_MASK_HEAD.CONV_DIM", 256, integer())
    """MODEL.ROI_MASK_HEAD.CONV_DIM: channels of the mask head."""

    detections_per_image: int = _setting("TEST.DETECTIONS_PER_IMAGE", 100, integer())
    """TEST.DETECTIONS_PER_IMAGE: most detections of a picture, over all classes."""


LISTED = 50
"""Settings that a message names; the rest is counted."""

_SETTINGS = {f.metadata["key"]: f for f in fields(ModelConfig)}
_KNOWN = {*_SETTINGS, *REQUIRED, *REQUIRED_FOR_MASKS, *IGNORED}
_SECTIONS = {key[:i] for key in _KNOWN for i, letter in enumerate(key) if letter == "."}


def load_config(path: str | Path) -> ModelConfig:
    """Reads a detectron2 YAML file, with its `_BASE_` files and detectron2's defaults.

    A string that spells a Python value, such as "(10.0, 10.0, 5.0, 5.0)", is that value, as in
    detectron2. Settings that only training looks at are passed over.

    Raises:
        BuildError: a file cannot be read, or settings ask for something that is not built here,
            have the wrong type, or are unknown to detectron2; the message lists all of them.
    """
    found, problems = _settings_of(path)
    values: dict[str, Any] = {}
    for key in _SETTINGS.keys() & found.keys():
        rule: Rule = _SETTINGS[key].metadata["rule"]
        try:
            values[_SETTINGS[key].name] = rule.parse(found[key].value)
        except ValueError:
            problems.append(f"{key} is {found[key]}; supported: {rule.supported}")
    config = ModelConfig(**values)
    required = {**REQUIRED, **REQUIRED_FOR_MASKS} if config.mask_on else REQUIRED
    for key in required.keys() & found.keys():
        if not any(_same(found[key].value, value) for value in required[key].values):
            supported = " or ".join(map(repr, required[key].values))
            problems.append(
                f"{key} is {found[key]}; supported: {supported} ({required[key].because})"
            )
    if config.max_size_test < config.min_size_test and not problems:
        problems.append(
            f"INPUT.MAX_SIZE_TEST is {config.max_size_test}, below INPUT.MIN_SIZE_TEST, "
            f"{config.min_size_test}: the long side cannot be shorter than the short one"
        )
    if problems:
        count = "1 setting" if len(problems) == 1 else f"{len(problems)} settings"
        listed = sorted(problems)[:LISTED]
        listed += [f"… and {len(problems) - LISTED} more"] * (len(problems) > LISTED)
        raise BuildError(f"{path}: {count} cannot be used:\n  " + "\n  ".join(listed))
    return config


class _Found(NamedTuple):
    """A setting in a file."""

    value: object
    where: str
    """The file, if it is a base of the one that was asked for."""

    def __str__(self) -> str:
        return shown(self.value) + self.where


def _settings_of(path: str | Path) -> tuple[dict[str, _Found], list[str]]:
    """The settings that matter, bases included, and what is wrong with names and sections."""
    found: dict[str, _Found] = {}
    problems: list[str] = []
    for file in read_with_bases(path):
        where = "" if file.path == Path(path) else f" (in {file.path})"
        for key, value in _flatten(file.settings):
            if key in _SECTIONS:
                problems.append(f"{key} is {shown(value)}{where}; it is a section of settings")
            elif key not in _KNOWN:
                nearest = _nearest(key) if len(problems) < LISTED else ""
                problems.append(f"{key:.200} is not a setting of detectron2{where}{nearest}")
            elif key not in IGNORED:
                found[key] = _Found(_decode(value), where)
    return found, problems


def _flatten(settings: dict[object, object], section: str = "") -> Iterator[tuple[str, object]]:
    """Dotted names and values; only known sections are entered, so aliases cannot nest forever."""
    for name, value in settings.items():
        if not isinstance(name, str) or "." in name:
            yield f"{section}[{shown(name)}]", value
            continue
        key = section + name
        if key in _SECTIONS and isinstance(value, dict):
            yield from _flatten(value, f"{key}.")
        else:
            yield key, value


def _decode(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return ast.literal_eval(value)
    except Exception:  # on hostile text also MemoryError and RecursionError
        return value


def _same(value: object, other: object) -> bool:
    """Equal, where a tuple may stand for a list, but 1 not for True."""
    if isinstance(value, tuple):
        value = list(value)
    return value == other and isinstance(value, bool) == isinstance(other, bool)


def _nearest(key: str) -> str:
    name = key.rsplit(".", 1)[-1].upper()
    near = [known for known in sorted(_KNOWN) if known.rsplit(".", 1)[-1] == name]
    near = near or difflib.get_close_matches(key.upper(), sorted(_KNOWN | _SECTIONS), cutoff=0.75)
    return f"; did you mean {near[0]}?" if near else ", so its effect is unknown; remove it"
