"""Optimization profiles: the shapes that a plan takes, and those that it is tuned for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from artifact.manifest import Profile
from builder.errors import BuildError

DYNAMIC = -1


def canvas_profiles(
    inputs: Mapping[str, tuple[int, ...]],
    canvases: Sequence[tuple[int, int]],
    opt_batch: int,
    max_batch: int,
) -> tuple[Profile, ...]:
    """A profile for each canvas; the batch alone varies within it.

    Args:
        inputs: by name, shapes with -1 for the batch, the height and the width, in this order.
        canvases: (height, width) of each, in pixels.
        opt_batch: pictures in the batch for which the plan is tuned.
        max_batch: most pictures in a batch; the fewest are 1.
    """
    return tuple(
        Profile(
            *(
                {name: _filled(shape, (batch, *canvas)) for name, shape in inputs.items()}
                for batch in (1, opt_batch, max_batch)
            )
        )
        for canvas in canvases
    )


def add_profiles(builder: Any, builder_config: Any, profiles: Sequence[Profile]) -> None:
    """Adds the profiles to TensorRT's configuration of a build, in their order.

    Raises:
        BuildError: TensorRT refuses one.
    """
    for profile in profiles:
        trt_profile = builder.create_optimization_profile()
        for name in profile.min:
            trt_profile.set_shape(name, profile.min[name], profile.opt[name], profile.max[name])
        if builder_config.add_optimization_profile(trt_profile) < 0:
            raise BuildError(f"TensorRT refuses the optimization profile {profile}")


def _filled(shape: Sequence[int], sizes: Sequence[int]) -> tuple[int, ...]:
    remaining = iter(sizes)
    return tuple(next(remaining) if size == DYNAMIC else size for size in shape)
