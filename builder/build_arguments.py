"""The command line of `python -m builder build`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from builder.build import BuildOptions
from builder.network import PRECISIONS
from builder.quantization import CALIBRATION, Int8Options
from builder.tensorrt import PlanOptions
from builder.tensorrt.bindings import MODULES
from builder.tensorrt.options import HARDWARE_COMPATIBILITY

INT8_ONLY = ("calibration", "recursive", "fp16_layers")
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


def add_build_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `build`, but for --config and --weights."""
    parser.add_argument(
        "--repository",
        required=True,
        type=Path,
        metavar="DIR",
        help="where the four models are written; other models in it stay",
    )
    parser.add_argument(
        "--name",
        default=BuildOptions.name,
        help="what clients call the whole; its steps become NAME_preprocess, NAME_network and "
        "NAME_postprocess. Builds of several names share a repository (default: %(default)s)",
    )
    parser.add_argument(
        "--runtime",
        choices=["onnxruntime", *PLAN_RUNTIMES],
        default="onnxruntime",
        help="what runs the network. tensorrt adds a plan for Triton's TensorRT backend; "
        "tensorrt_rtx adds a plan that needs no GPU to be compiled and that Triton does not load. "
        "The network for ONNX Runtime is always there (default: %(default)s)",
    )
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=BuildOptions.precision,
        help="type of the convolutions (default: %(default)s)",
    )
    parser.add_argument(
        "--categories",
        type=Path,
        metavar="FILE",
        help="the data set's categories: COCO-format JSON, or a .txt of the classes' names, one a "
        "line in detectron2's order, whose ids are then 0, 1, … (default: COCO's 80)",
    )
    parser.add_argument(
        "--max-batch",
        type=_positive,
        default=BuildOptions.max_batch,
        metavar="N",
        help="pictures per batch (default: %(default)s)",
    )
    parser.add_argument(
        "--instances",
        type=_positive,
        default=BuildOptions.instances,
        metavar="N",
        help="processes that decode pictures, and as many that encode masks (default: one of each "
        "for each core of this machine, %(default)s)",
    )
    _add_int8_options(parser.add_argument_group("int8 (--precision int8)"))
    _add_plan_options(parser.add_argument_group("plans (--runtime tensorrt or tensorrt_rtx)"))


def build_options(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> BuildOptions:
    """What the arguments ask for; ends the program with a usage error where they do not agree."""
    return BuildOptions(
        repository=arguments.repository,
        config=arguments.config,
        weights=arguments.weights,
        categories=arguments.categories,
        name=arguments.name,
        max_batch=arguments.max_batch,
        instances=arguments.instances,
        precision=arguments.precision,
        int8=_int8_options(parser, arguments),
        plan=_plan_options(parser, arguments),
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
        "--recursive",
        action="store_true",
        default=None,
        help="go into the folders in --calibration DIR too",
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


def _int8_options(
    parser: argparse.ArgumentParser, arguments: argparse.Namespace
) -> Int8Options | None:
    if arguments.precision != "int8":
        _refuse(parser, arguments, INT8_ONLY, "--precision int8")
        return None
    if arguments.calibration is None:
        parser.error(
            "--precision int8 needs --calibration DIR, a folder of some dozens of pictures like "
            "those to be served: which values occur in the network cannot be known without"
        )
    fp16_layers = None if arguments.fp16_layers is None else tuple(arguments.fp16_layers)
    return Int8Options(arguments.calibration, bool(arguments.recursive), fp16_layers)


def _plan_options(
    parser: argparse.ArgumentParser, arguments: argparse.Namespace
) -> PlanOptions | None:
    if arguments.runtime not in PLAN_RUNTIMES:
        _refuse(parser, arguments, PLAN_ONLY, f"--runtime {' or '.join(PLAN_RUNTIMES)}")
        return None
    return PlanOptions(
        runtime=arguments.runtime,
        opt_batch=arguments.opt_batch or arguments.max_batch,
        max_batch=arguments.max_batch,
        cache=arguments.cache or _default_cache(),
        compute_capabilities=tuple(arguments.compute_capability or ()),
        hardware_compatibility=arguments.hardware_compatibility or "none",
        version_compatible=bool(arguments.version_compatible),
        refittable=bool(arguments.refittable),
        optimization_level=arguments.optimization_level,
        workspace_bytes=arguments.workspace,
    )


def _refuse(
    parser: argparse.ArgumentParser,
    arguments: argparse.Namespace,
    names: Sequence[str],
    meant_for: str,
) -> None:
    for name in names:
        if getattr(arguments, name) is not None:
            parser.error(f"--{name.replace('_', '-')} is for {meant_for}")


def _default_cache() -> Path:
    """XDG Base Directory Specification."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "mask-rcnn-triton"


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
