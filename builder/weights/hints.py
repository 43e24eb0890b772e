"""What the names in a file say about why it does not fit the network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

_NOT_BUILT = (
    (r"rpn_head\.conv\.conv\d", "its RPN has several convolutions"),
    (r"\.conv2_offset\.", "it has deformable convolutions"),
    (r"sem_seg_head\.", "it segments stuff as well (panoptic)"),
    (r"head\.(cls|bbox)_subnet\.", "it is a RetinaNet"),
    (r"backbone\.body\.|rpn\.head\.|(^|\.)layer[1-4]\.", "it is a model of torchvision"),
    (r"(^|\.)model\.\d+\.", "it is a YOLO"),
)
"""Names that only other networks have, and what they say."""

_FAMILIES = (
    (r"backbone\.(fpn_|bottom_up\.)", "it has a feature pyramid (FPN)", "MODEL.BACKBONE.NAME"),
    (r"backbone\.res5\.", "its res5 is in the backbone (DC5)", "MODEL.RESNETS.OUT_FEATURES"),
    (r"roi_heads\.res5\.", "its res5 is in the RoI heads (C4)", "MODEL.ROI_HEADS.NAME"),
    (r"box_predictor\.\d\.", "it is a Cascade R-CNN", "MODEL.ROI_HEADS.NAME"),
    (
        r"roi_heads\.box_head\.",
        "it has more layers in its box head",
        "MODEL.ROI_HEADS.NAME and MODEL.ROI_BOX_HEAD (NUM_CONV, NUM_FC)",
    ),
    (
        r"mask_head\.mask_fcn",
        "it has more 3x3 convolutions in its mask head",
        "MODEL.ROI_MASK_HEAD.NUM_CONV",
    ),
)
"""Names that the configuration did not ask for, what they say, and what would ask for them. The
first that is found has the others for a consequence."""

_DECIDED_BY = (
    (
        r"(stem|res\d\.\d+)\.",
        "MODEL.RESNETS (STEM_OUT_CHANNELS, RES2_OUT_CHANNELS, NUM_GROUPS, WIDTH_PER_GROUP)",
    ),
    (r"fpn_(lateral|output)\d\.(bias|norm)", "MODEL.FPN.OUT_CHANNELS"),
    (r"(objectness_logits|anchor_deltas)\.bias", "MODEL.ANCHOR_GENERATOR (SIZES, ASPECT_RATIOS)"),
    (r"box_head\.", "MODEL.ROI_BOX_HEAD (POOLER_RESOLUTION, CONV_DIM, FC_DIM)"),
    (r"(cls_score|bbox_pred|mask_head\.predictor)\.bias", "MODEL.ROI_HEADS.NUM_CLASSES"),
    (r"(deconv|mask_fcn\d)\.bias", "MODEL.ROI_MASK_HEAD.CONV_DIM"),
    (r"conv_fcn\d+\.bias", "MODEL.ROI_KEYPOINT_HEAD.CONV_DIMS"),
    (r"score_lowres\.bias", "MODEL.ROI_KEYPOINT_HEAD.NUM_KEYPOINTS"),
)
"""Parameters, and the settings of the configuration that alone decide their shape."""

_RESNET_OF_RES4_BLOCKS = {6: "ResNet-50", 23: "ResNet-101", 36: "ResNet-152"}


def hints(
    expected: Sequence[str],
    missing: Sequence[str],
    unexpected: Sequence[str],
    misshapen: Sequence[str],
) -> Iterator[str]:
    """Sentences for the person who chose the file.

    Args:
        expected: all names that the network asks for.
        missing: those of them that the file lacks.
        unexpected: names in the file that the network does not have.
        misshapen: names in both whose shapes differ.
    """
    if len(missing) > 0.9 * len(expected):
        yield "this looks like a checkpoint of another architecture"
    yield from _prefix_hint(missing, unexpected)
    for pattern, meaning in _NOT_BUILT:
        if any(re.search(pattern, name) for name in unexpected):
            yield f"{meaning}, which is not built"
    for pattern, meaning, settings in _FAMILIES:
        if any(re.search(pattern, name) for name in unexpected):
            yield f"{meaning}, and the configuration has not: compare {settings}"
            break
    yield from _depth_hint(expected, missing, unexpected)
    for head, switch in (("mask", "MODEL.MASK_ON"), ("keypoint", "MODEL.KEYPOINT_ON")):
        yield from _head_hint(head, switch, expected, missing, unexpected)
    for pattern, settings in _DECIDED_BY:
        if any(re.search(pattern, name) for name in misshapen):
            yield f"its shapes ask for other values of {settings}"


def _prefix_hint(missing: Sequence[str], unexpected: Sequence[str]) -> Iterator[str]:
    renamed = [name for name in unexpected for m in missing[:1] if name.endswith(f".{m}")]
    if renamed:
        prefix = renamed[0].removesuffix(missing[0])
        count = len({prefix + name for name in missing} & set(unexpected))
        yield (
            f"{count} of the missing tensors are there, but their names begin with {prefix!r}; "
            f"save the model itself, not what wraps it"
        )


def _depth_hint(
    expected: Sequence[str], missing: Sequence[str], unexpected: Sequence[str]
) -> Iterator[str]:
    wanted = _resnet(expected)
    found = _resnet({*expected, *unexpected} - set(missing))
    if wanted and found and wanted != found:
        yield f"its backbone is a {found}, not a {wanted}: compare MODEL.RESNETS.DEPTH"


def _resnet(names: Iterable[str]) -> str | None:
    blocks = {m[1] for name in names if (m := re.search(r"(?:^|\.)res4\.(\d+)\.", name))}
    return _RESNET_OF_RES4_BLOCKS.get(len(blocks))


def _head_hint(
    head: str,
    switch: str,
    expected: Sequence[str],
    missing: Sequence[str],
    unexpected: Sequence[str],
) -> Iterator[str]:
    wanted, lacking, found = (
        [name for name in names if name.startswith(f"roi_heads.{head}_head.")]
        for names in (expected, missing, unexpected)
    )
    if found and not wanted:
        yield f"it has a {head} head, and {switch} is False"
    if wanted and wanted == lacking and missing != expected:
        yield f"it has no {head} head, and {switch} is True"
