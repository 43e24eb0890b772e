"""How a plan is to be built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from artifact.gpu import Gpu
from builder.errors import BuildError
from builder.tensorrt.bindings import Bindings

HARDWARE_COMPATIBILITY = ("none", "same_compute_capability", "ampere_plus")


@dataclass(frozen=True)
class PlanOptions:
    """What `python -m builder build` was asked for."""

    runtime: str
    """tensorrt or tensorrt_rtx."""
    opt_batch: int
    """Pictures in the batch for which the plan is tuned."""
    max_batch: int
    """Most pictures in a batch."""
    cache: Path
    """Folder that keeps TensorRT's timings from build to build."""
    compute_capabilities: tuple[str, ...] = ()
    """Targets, such as 8.9; none for the GPU of this machine."""
    hardware_compatibility: str = "none"
    """One of `HARDWARE_COMPATIBILITY`."""
    version_compatible: bool = False
    """Whether later versions of the same major TensorRT load the plan too."""
    refittable: bool = False
    """Whether its weights can be exchanged."""
    optimization_level: int | None = None
    """0 to 5; None for TensorRT's own default."""
    workspace_bytes: int | None = None
    """Scratch memory that a layer may use; None for all of the GPU's."""


@dataclass(frozen=True)
class Target:
    """The GPUs that a plan is for."""

    compute_capabilities: tuple[str, ...]
    gpu: Gpu | None
    """The one that it is tuned on; None where it is compiled without one."""

    def __str__(self) -> str:
        return str(self.gpu or f"compute capability {', '.join(self.compute_capabilities)}")


def choose_target(options: PlanOptions, bindings: Bindings, gpus: Sequence[Gpu]) -> Target:
    """The GPUs that `bindings` compile for.

    Args:
        options: what was asked for.
        bindings: of `options.runtime`.
        gpus: those of this machine.

    Raises:
        BuildError: the options are not for this flavour of TensorRT, name a compute capability
            that it does not know, or need a GPU that is not there.
    """
    asked, known = options.compute_capabilities, bindings.target_capabilities
    if not known:
        if asked:
            raise BuildError(
                f"{bindings} builds for the GPU of this machine and takes no --compute-capability; "
                "other GPUs load the plan with --hardware-compatibility"
            )
        levels = bindings.hardware_compatibility_levels
        if options.hardware_compatibility not in levels:
            raise BuildError(
                f"{bindings} has no --hardware-compatibility {options.hardware_compatibility}; "
                f"expected {' or '.join(levels)}, or a newer TensorRT"
            )
        if not gpus:
            raise BuildError(
                f"{bindings} builds on the GPU that is to run the plan, and there is none here "
                "(no NVIDIA driver, or CUDA_VISIBLE_DEVICES hides it). Build where it will be "
                "served; --runtime onnxruntime needs no GPU"
            )
        return Target((gpus[0].compute_capability,), gpus[0])
    if options.hardware_compatibility != "none":
        raise BuildError(
            f"{bindings} has no --hardware-compatibility; name the GPUs with --compute-capability "
            f"({', '.join(known)})"
        )
    if not asked:
        if not gpus:
            raise BuildError(
                f"there is no GPU here to build for; name one with --compute-capability. {bindings}"
                f" compiles for {', '.join(known)}"
            )
        asked = (gpus[0].compute_capability,)
    if unknown := [capability for capability in asked if capability not in known]:
        where = "" if options.compute_capabilities else f", of the {gpus[0].name} here,"
        raise BuildError(
            f"{bindings} does not compile for compute capability {', '.join(unknown)}{where} but "
            f"for {', '.join(known)}; name one of these with --compute-capability"
        )
    return Target(tuple(dict.fromkeys(asked)), None)


def check_limits(options: PlanOptions) -> None:
    """Raises BuildError for sizes of a batch that make no profile."""
    if not 1 <= options.opt_batch <= options.max_batch:
        raise BuildError(
            f"the plan is to be tuned for {options.opt_batch} pictures (--opt-batch) in batches "
            f"of at most {options.max_batch} (--max-batch); expected 1 to {options.max_batch}"
        )
