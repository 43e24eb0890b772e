"""The build: configuration, categories, weights, calibration, network, repository, plan."""

from __future__ import annotations

import time
from pathlib import Path

from builder.build_record import write_manifest
from builder.network import export_onnx, load_config, network_spec
from builder.quantization import Int8Options, choose_layers, obtain_calibration
from builder.repository.canvases import canvases
from builder.repository.categories import categories_for
from builder.repository.write import NETWORK_FOLDER, NETWORK_ONNX, NETWORK_PLAN, write_repository
from builder.staging import staged
from builder.summary import summary
from builder.tensorrt import PlanBuilder, PlanOptions
from builder.weights import load_weights


def build_repository(
    repository: Path,
    config_file: Path,
    weights_file: Path,
    categories_file: Path | None,
    max_batch: int,
    instances: int,
    precision: str,
    int8_options: Int8Options | None,
    plan_options: PlanOptions | None,
) -> None:
    """Write a repository that serves a network, and print each step.

    If anything fails, `repository` is as it was before.

    Args:
        repository: the folder of the four models; other models in it stay.
        config_file: detectron2's YAML.
        weights_file: its weights, in a format of `builder.weights`.
        categories_file: see `builder.categories.categories_for`.
        max_batch: pictures per batch.
        instances: processes of preprocess, and as many of postprocess.
        precision: a key of `builder.network.PRECISIONS`.
        int8_options: how to quantize, for int8; else None.
        plan_options: how to build a TensorRT plan; None for a network in ONNX Runtime alone.

    Raises:
        BuildError: if any of the files is not what it should be, or cannot be written, or
            calibrating is not possible, or TensorRT cannot build the plan.
    """
    started = time.monotonic()

    def report(line: str) -> None:
        print(f"[{time.monotonic() - started:6.1f} s] {line}", flush=True)

    plan_builder = None if plan_options is None else PlanBuilder(plan_options)
    with staged(repository) as stage:
        report(f"configuration  {config_file}")
        config = load_config(config_file)
        categories = categories_for(config.model.num_classes, categories_file)
        report(f"weights        {weights_file}")
        spec = network_spec(config)
        weights = load_weights(weights_file, spec.parameters)
        calibration, input_ranges = None, {}
        if int8_options is not None:
            layers = choose_layers(spec, int8_options.fp16_layers)
            report(f"calibration    {int8_options.calibration}")
            calibration = obtain_calibration(
                int8_options.calibration,
                config,
                weights,
                lambda line: report(f"calibration    {line}"),
            )
            input_ranges = {layer: calibration.input_ranges[layer] for layer in layers}
        report(f"network        ONNX graph, {precision}")
        network = export_onnx(config, weights, precision, input_ranges)
        del weights  # A plan's build needs the memory more.
        report(f"repository     {repository}")
        opt_batch = max_batch if plan_options is None else plan_options.opt_batch
        write_repository(stage, config, categories, max_batch, instances, network, opt_batch)
        if calibration is not None:
            calibration.write(stage / NETWORK_FOLDER)
        plan = None
        if plan_builder is not None:
            report(f"plan           {plan_builder.bindings}, {plan_builder.target}")
            plan = plan_builder.build(
                stage / NETWORK_ONNX,
                stage / NETWORK_PLAN,
                canvases(config),
                lambda line: report(f"plan           {line}"),
            )
        manifest = write_manifest(stage, config, weights_file, precision, max_batch, network, plan)
    report("done")
    print(f"\n{summary(repository, config, spec.parameters.shapes, categories, manifest)}")
