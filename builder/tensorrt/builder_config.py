"""TensorRT's configuration of a build."""

from __future__ import annotations

from typing import Any

from builder.tensorrt.bindings import Bindings
from builder.tensorrt.options import PlanOptions, Target


def create_builder_config(
    bindings: Bindings, builder: Any, options: PlanOptions, target: Target
) -> Any:
    """A configuration with all of the options in it but profiles, timings and progress."""
    trt = bindings.trt
    config = builder.create_builder_config()
    # fp32 is to be fp32; who wants the tensor cores takes fp16, which has TF32's precision.
    config.clear_flag(trt.BuilderFlag.TF32)
    if options.version_compatible:
        config.set_flag(trt.BuilderFlag.VERSION_COMPATIBLE)
    if options.refittable:
        config.set_flag(trt.BuilderFlag.REFIT)
    if options.optimization_level is not None:
        config.builder_optimization_level = options.optimization_level
    if options.workspace_bytes is not None:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_bytes)
    if options.hardware_compatibility != "none":
        level = bindings.hardware_compatibility_levels[options.hardware_compatibility]
        config.hardware_compatibility_level = level
    if bindings.target_capabilities:
        config.num_compute_capabilities = len(target.compute_capabilities)
        for index, name in enumerate(target.compute_capabilities):
            config.set_compute_capability(bindings.target_capabilities[name], index)
    return config
