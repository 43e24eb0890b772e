"""``python -m builder``: a detectron2 model becomes a Triton repository, or a .wts."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from builder.build import build_repository
from builder.errors import BuildError
from builder.export_wts import export_wts
from builder.inspect import inspect
from builder.network import PRECISIONS
from builder.quantization import CALIBRATION, Int8Options
from builder.tensorrt import PlanOptions
from builder.tensorrt.bindings import MODULES
from builder.tensorrt.options import HARDWARE_COMPATIBILITY

INT8_ONLY = ("calibration", "fp16_layers")
PLAN_RUNTIMES = tuple(MODULES)
PLAN_ONLY = (
    "opt_batch",
    "compute_capability",
    "hardware_compatibility",
    "version_compatible",
    "refittable",
    "optimization_level",
    "workspace",
    "cache",
)
"""Options of `build` that mean nothing without a plan; those above, without int8."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options) or 0
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130  # as a shell says it


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m builder", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    build = commands.add_parser("build", help="write a complete Triton repository")
    build.set_defaults(command=_build)
    _add_model(build)
    build.add_argument(
        "--repository",
        required=True,
        type=Path,
        metavar="DIR",
        help="where the four models are written; other models in it stay",
    )
    build.add_argument(
        "--runtime",
        choices=["onnxruntime", *PLAN_RUNTIMES],
        default="onnxruntime",
        help="what runs the network. tensorrt adds a plan for Triton's TensorRT backend; "
        "tensorrt_rtx adds a plan that needs no GPU to be compiled and that Triton does not load. "
        "The network for ONNX Runtime is always there (default: %(default)s)",
    )
    build.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="fp32",
        help="type of the convolutions (default: %(default)s)",
    )
    build.add_argument(
        "--categories",
        type=Path,
        metavar="FILE",
        help="the data set's categories: COCO-format JSON, or a .txt of the classes' names, one a "
        "line in detectron2's order, whose ids are then 0, 1, … (default: COCO's 80)",
    )
    build.add_argument(
        "--max-batch",
        type=_positive,
        default=8,
        metavar="N",
        help="pictures per batch (default: %(default)s)",
    )
    build.add_argument(
        "--instances",
        type=_positive,
        default=len(os.sched_getaffinity(0)),
        metavar="N",
        help="processes that decode pictures, and as many that encode masks (default: one of each "
        "for each core of this machine, %(default)s)",
    )
    _add_int8_options(build.add_argument_group("int8 (--precision int8)"))
    _add_plan_options(build.add_argument_group("plans (--runtime tensorrt or tensorrt_rtx)"))
    build.set_defaults(usage_error=build.error)

    export = commands.add_parser("export-wts", help="write the weights as tensorrtx's .wts")
    export.set_defaults(command=_export_wts)
    _add_model(export)
    export.add_argument(
        "--output", required=True, type=Path, metavar="FILE", help="such as maskrcnn.wts"
    )

    inspect_ = commands.add_parser(
        "inspect", help="what a build holds, and whether it fits this machine (exit code 0 or 1)"
    )
    inspect_.set_defaults(command=lambda options: inspect(options.path))
    inspect_.add_argument(
        "path", type=Path, metavar="DIR_OR_FILE", help="a repository, a plan or an ONNX file"
    )
    return parser


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", required=True, type=Path, metavar="YAML", help="detectron2's configuration"
    )
    parser.add_argument(
        "--weights",
        required=True,
        type=Path,
        metavar="FILE",
        help="its weights: .pkl, .pth (.pt, .ckpt) or .wts; torch is not needed",
    )


def _add_int8_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--calibration",
        type=Path,
        metavar="DIR",
        help="pictures like those to be served, some dozens, on which the range of each layer's "
        f"values is measured; or the {CALIBRATION} that an earlier build of the same weights left "
        "beside its network",
    )
    group.add_argument(
        "--fp16-layers",
        nargs="+",
        metavar="PATTERN",
        help="layers that stay in fp16, * for any text (default: those that gain little or lose "
        "accuracy in int8: the stem, and what predicts objectness and boxes)",
    )


def _add_plan_options(group: argparse._ArgumentGroup) -> None:
    # None where an option is not given, so that one given without a plan can be refused.
    group.add_argument(
        "--opt-batch",
        type=_positive,
        metavar="N",
        help="pictures in the batch that the plan is tuned for (default: --max-batch)",
    )
    group.add_argument(
        "--compute-capability",
        nargs="+",
        metavar="X.Y",
        help="GPUs to compile for, such as 8.6 8.9; TensorRT-RTX only (default: this machine's)",
    )
    group.add_argument(
        "--hardware-compatibility",
        choices=HARDWARE_COMPATIBILITY,
        help="other GPUs that are to load the plan, at some cost in speed; TensorRT only "
        "(default: none)",
    )
    group.add_argument(
        "--version-compatible",
        action="store_true",
        default=None,
        help="let later versions of the same major TensorRT load the plan",
    )
    group.add_argument(
        "--refittable",
        action="store_true",
        default=None,
        help="let the plan's weights be exchanged later",
    )
    group.add_argument(
        "--optimization-level",
        type=int,
        choices=range(6),
        help="how long TensorRT searches for faster kernels (default: its own, 3)",
    )
    group.add_argument(
        "--workspace",
        type=_gibibytes,
        metavar="GIB",
        help="scratch memory that a layer may use (default: all of the GPU's)",
    )
    group.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="keeps TensorRT's timings for the next build (default: mask-rcnn-triton in "
        "$XDG_CACHE_HOME or ~/.cache)",
    )


def _gibibytes(text: str) -> int:
    """Bytes."""
    try:
        size = int(float(text) * 2**30)
    except (ValueError, OverflowError):
        size = 0
    if size <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of GiB above 0")
    return size


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def _build(options: argparse.Namespace) -> None:
    build_repository(
        options.repository,
        options.config,
        options.weights,
        options.categories,
        options.max_batch,
        options.instances,
        options.precision,
        _int8_options(options),
        _plan_options(options),
    )


def _int8_options(options: argparse.Namespace) -> Int8Options | None:
    if options.precision != "int8":
        for name in INT8_ONLY:
            if getattr(options, name) is not None:
                options.usage_error(f"--{name.replace('_', '-')} is for --precision int8")
        return None
    if options.calibration is None:
        options.usage_error(
            "--precision int8 needs --calibration DIR, a folder of some dozens of pictures like "
            "those to be served: which values occur in the network cannot be known without"
        )
    fp16_layers = None if options.fp16_layers is None else tuple(options.fp16_layers)
    return Int8Options(options.calibration, fp16_layers)


def _plan_options(options: argparse.Namespace) -> PlanOptions | None:
    if options.runtime not in PLAN_RUNTIMES:
        for name in PLAN_ONLY:
            if getattr(options, name) is not None:
                options.usage_error(
                    f"--{name.replace('_', '-')} is for --runtime {' or '.join(PLAN_RUNTIMES)}"
                )
        return None
    return PlanOptions(
        runtime=options.runtime,
        opt_batch=options.opt_batch or options.max_batch,
        max_batch=options.max_batch,
        cache=options.cache or _default_cache(),
        compute_capabilities=tuple(options.compute_capability or ()),
        hardware_compatibility=options.hardware_compatibility or "none",
        version_compatible=bool(options.version_compatible),
        refittable=bool(options.refittable),
        optimization_level=options.optimization_level,
        workspace_bytes=options.workspace,
    )


def _default_cache() -> Path:
    """XDG Base Directory Specification."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "mask-rcnn-triton"


def _export_wts(options: argparse.Namespace) -> None:
    export_wts(options.config, options.weights, options.output)


if __name__ == "__main__":
    sys.exit(main())
