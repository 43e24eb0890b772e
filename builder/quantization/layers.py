"""Which layers of an int8 network run in int8."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from fnmatch import fnmatchcase

from builder.errors import BuildError

FP16_LAYERS = (
    "backbone.stem.*",
    "proposal_generator.rpn_head.objectness_logits",
    "proposal_generator.rpn_head.anchor_deltas",
)
"""Paths of layers that stay in fp16 unless others are named; `*` is any text.

They are three thousandths of the work, so int8 would gain nothing. The stem has three channels,
where int8 kernels take 32 at a time, and the RPN's deltas are boxes: on the demo model int8 in this
layer alone puts them off by 2%, int8 in all the layers before it by 3.6%.
"""


def choose_layers(layers: Sequence[str], fp16: Sequence[str]) -> tuple[str, ...]:
    """The layers that run in int8.

    Args:
        layers: paths of all that can.
        fp16: patterns of those that are not to.

    Raises:
        BuildError: a pattern is that of no layer, or all layers are left out.
    """
    for pattern in fp16:
        if not any(fnmatchcase(path, pattern) for path in layers):
            near = difflib.get_close_matches(pattern, layers, n=3, cutoff=0.0)
            raise BuildError(
                f"--fp16-layers: {pattern!r} is no layer that could run in int8; the nearest of "
                f"the {len(layers)} are {', '.join(near)}"
            )
    chosen = tuple(
        path for path in layers if not any(fnmatchcase(path, pattern) for pattern in fp16)
    )
    if not chosen:
        raise BuildError(
            "--fp16-layers leaves no layer in int8; leave out fewer, or build with --precision fp16"
        )
    return chosen
