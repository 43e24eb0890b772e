"""The build of a plan: parse, configure, compile, write."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from artifact.gpu import visible_gpus
from artifact.manifest import FileRecord, Plan
from builder.errors import BuildError
from builder.tensorrt.bindings import Bindings, load_bindings
from builder.tensorrt.builder_config import create_builder_config
from builder.tensorrt.log import indented, make_logger
from builder.tensorrt.options import PlanOptions, check_limits, choose_target
from builder.tensorrt.parse import create_network, parse_onnx
from builder.tensorrt.profiles import add_profiles, canvas_profiles
from builder.tensorrt.progress import ctrl_c_cancels, make_progress_monitor
from builder.tensorrt.timing_cache import cache_file, load_timing_cache, save_timing_cache

OUT_OF_MEMORY = re.compile("workspace|out ?of ?memory|bad_alloc", re.IGNORECASE)


class PlanBuilder:
    """Compiles networks with the options that it was made with.

    Raises:
        BuildError: at once, if the options cannot be met here.
    """

    def __init__(self, options: PlanOptions) -> None:
        check_limits(options)
        self.options = options
        self.bindings = load_bindings(options.runtime)
        self.target = choose_target(options, self.bindings, visible_gpus())

    def build(
        self,
        model: bytes,
        plan_file: Path,
        canvases: Sequence[tuple[int, int]],
        report: Callable[[str], None],
    ) -> Plan:
        """Compiles a network into `plan_file`.

        Args:
            model: the network in ONNX, written with `static`; the dynamic sizes of its inputs are
                batch, height and width.
            plan_file: is written.
            canvases: (height, width) of each, in pixels: one optimization profile each.
            report: is given lines on the progress.

        Raises:
            BuildError: TensorRT cannot build it, or a file cannot be read or written.
        """
        started = time.monotonic()
        trt, options = self.bindings.trt, self.options
        logger = make_logger(trt)
        builder = self._create_builder(logger)
        network = create_network(trt, builder)
        parser = parse_onnx(self.bindings, network, logger, model)
        config = create_builder_config(self.bindings, builder, options, self.target)
        profiles = canvas_profiles(
            _input_shapes(network), canvases, options.opt_batch, options.max_batch
        )
        add_profiles(builder, config, profiles)
        timings = self.target.gpu and cache_file(options.cache, self.bindings, self.target.gpu)
        timing_cache = load_timing_cache(config, timings) if timings else None

        logger.errors.clear()
        with ctrl_c_cancels() as cancelled:
            monitor = make_progress_monitor(trt, report, cancelled)
            config.progress_monitor = monitor
            serialized = builder.build_serialized_network(network, config)
        del parser  # It owned the weights until here.
        if serialized is None:
            raise BuildError(failure_message(self.bindings, options.workspace_bytes, logger.errors))
        if timings:
            try:
                save_timing_cache(timing_cache, timings)
            except OSError as error:  # no reason to lose the plan
                report(f"the timings are not kept for the next build: {error}")
        try:
            plan_file.write_bytes(serialized)
            file = FileRecord.read(plan_file)
        except OSError as error:
            raise BuildError(f"{plan_file}: cannot be written: {error.strerror}") from error
        return Plan(
            file=file,
            runtime=options.runtime,
            tensorrt_version=self.bindings.version,
            gpu=self.target.gpu,
            compute_capabilities=self.target.compute_capabilities,
            hardware_compatibility=options.hardware_compatibility,
            version_compatible=options.version_compatible,
            refittable=options.refittable,
            optimization_level=config.builder_optimization_level,
            workspace_bytes=options.workspace_bytes,
            profiles=profiles,
            build_seconds=round(time.monotonic() - started, 1),
        )

    def _create_builder(self, logger: Any) -> Any:
        try:
            return self.bindings.create_builder(logger)
        except (TypeError, RuntimeError) as error:
            raise BuildError(
                f"{self.bindings} does not start: {error}{indented(logger.errors)}"
            ) from error


def failure_message(bindings: Bindings, workspace_bytes: int | None, errors: Sequence[str]) -> str:
    """What TensorRT logged when it built no plan, and what to do where that can be told."""
    message = f"{bindings} could not build the plan:{indented(errors)}"
    if not any(OUT_OF_MEMORY.search(error) for error in errors):
        return message
    if workspace_bytes is None:
        return f"{message}\nMemory ran out; free some of this machine's or lower --max-batch"
    return message + (
        f"\nA layer needs more scratch memory than --workspace {workspace_bytes / 2**30:.3g} GiB; "
        "raise it or lower --max-batch"
    )


def _input_shapes(network: Any) -> dict[str, tuple[int, ...]]:
    inputs = (network.get_input(i) for i in range(network.num_inputs))
    return {tensor.name: tuple(tensor.shape) for tensor in inputs}
