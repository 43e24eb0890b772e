"""Which layers of an int8 network run in int8."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from fnmatch import fnmatchcase

from builder.errors import BuildError
from builder.network import NetworkSpec


def choose_layers(spec: NetworkSpec, fp16: Sequence[str] | None) -> tuple[str, ...]:
    """The layers that run in int8.

    Args:
        spec: of the network.
        fp16: patterns of the paths of those that are not to, `*` being any text; None for those of
            which their modules say that they had better stay in fp16.

    Raises:
        BuildError: a pattern is that of no layer, or all layers are left out.
    """
    layers = spec.quantizable_layers
    if fp16 is None:
        fp16 = spec.fp16_layers
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
