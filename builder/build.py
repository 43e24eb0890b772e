"""The build: configuration, categories, weights, calibration, network, repository, plan."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from artifact.names import DEFAULT_NAME, PLAN, ModelNames
from builder.build_record import read_record, write_manifest
from builder.errors import BuildError
from builder.network import export_onnx, load_config, network_spec
from builder.progress import Progress
from builder.quantization import Int8Options, choose_layers, obtain_calibration
from builder.reference import reference_answers
from builder.repository.canvases import canvases
from builder.repository.categories import categories_for
from builder.repository.models import Pipeline
from builder.repository.name import check_name
from builder.repository.reference import Recorded
from builder.repository.write import write_repository
from builder.staging import staged
from builder.summary import summary
from builder.tensorrt import PlanBuilder, PlanOptions
from builder.weights import load_weights


@dataclass(frozen=True)
class BuildOptions:
    """What `python -m builder build` was asked for."""

    repository: Path
    """The folder of the four models; other models in it stay."""
    config: Path
    """detectron2's YAML."""
    weights: Path
    """Its weights, in a format of `builder.weights`."""
    categories: Path | None = None
    """See `builder.repository.categories.categories_for`."""
    name: str = DEFAULT_NAME
    """The ensemble's, after which its steps are named; see `builder.repository.name`."""
    max_batch: int = 8
    """Pictures per batch."""
    instances: int = len(os.sched_getaffinity(0))
    """Processes of preprocess, and as many of postprocess: one for each core of this machine."""
    precision: str = "fp32"
    """A key of `builder.network.PRECISIONS`."""
    int8: Int8Options | None = None
    """How to quantize, for int8; else None."""
    plan: PlanOptions | None = None
    """How to build a TensorRT plan; None for a network in ONNX Runtime alone."""


def build_repository(options: BuildOptions) -> None:
    """Write a repository that serves a network, and print each step.

    If anything fails, the repository is as it was before.

    Raises:
        BuildError: if the name cannot be had, or any of the files is not what it should be, or
            cannot be written, or calibrating is not possible, or TensorRT cannot build the plan.
    """
    report = Progress().report
    check_name(options.name, options.repository)
    names = ModelNames(options.name)
    plan_builder = None if options.plan is None else PlanBuilder(options.plan)
    with staged(options.repository) as stage:
        folder = stage / names.network_folder
        report(f"configuration  {options.config}")
        config = load_config(options.config)
        head = config.model.keypoint_head
        categories = categories_for(
            config.model.num_classes,
            options.categories,
            num_keypoints=0 if head is None else head.num_keypoints,
        )
        report(f"weights        {options.weights}")
        spec = network_spec(config)
        weights = load_weights(options.weights, spec.parameters)
        weights_file = read_record(options.weights)
        calibration, input_ranges = None, {}
        if options.int8 is not None:
            layers = choose_layers(spec, options.int8.fp16_layers)
            report(f"calibration    {options.int8.calibration}")
            calibration = obtain_calibration(
                options.int8.calibration,
                config,
                weights,
                lambda line: report(f"calibration    {line}"),
                recursive=options.int8.recursive,
            )
            input_ranges = {layer: calibration.input_ranges[layer] for layer in layers}
        report(f"network        ONNX graph, {options.precision}")
        network = export_onnx(config, weights, options.precision, input_ranges)
        for_plan = b""
        if plan_builder is not None:
            for_plan = export_onnx(
                config, weights, options.precision, input_ranges, static=True
            ).SerializeToString()
        del weights  # A plan's build needs the memory more.
        report("reference      two pictures in ONNX Runtime, for `client check`: some seconds")
        try:
            answers = reference_answers(network, config, categories)
        except BuildError as error:
            report(f"reference      left out: {error}")
            answers = ()
        report(f"repository     {options.repository}")
        pipeline = Pipeline(
            config,
            inputs=spec.inputs,
            outputs=spec.outputs,
            categories=categories,
            names=names,
            max_batch=options.max_batch,
            opt_batch=options.max_batch if options.plan is None else options.plan.opt_batch,
            instances=options.instances,
            recorded=Recorded(options.precision, weights_file, answers),
        )
        write_repository(stage, pipeline, network)
        if calibration is not None:
            calibration.write(folder)
        plan = None
        if plan_builder is not None:
            report(f"plan           {plan_builder.bindings}, {plan_builder.target}")
            plan = plan_builder.build(
                for_plan,
                folder / PLAN,
                canvases(config),
                lambda line: report(f"plan           {line}"),
            )
        manifest = write_manifest(
            folder, config, spec, weights_file, options.precision, options.max_batch, plan
        )
    report("done")
    print(f"\n{summary(options.repository, names, config, spec, categories, manifest)}")
