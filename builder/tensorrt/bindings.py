"""The Python bindings of TensorRT or TensorRT-RTX, imported when a plan is to be built."""

from __future__ import annotations

import gc
import importlib
import re
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from artifact.manifest import TITLES
from builder.errors import BuildError

# The second name is what is there when only the bindings' own package is installed.
MODULES = {
    "tensorrt": ("tensorrt", "tensorrt_bindings"),
    "tensorrt_rtx": ("tensorrt_rtx", "tensorrt_rtx_bindings"),
}
HOW_TO_GET = {
    "tensorrt": "pip install tensorrt (it fetches NVIDIA's libraries while it installs), or build "
    "in the builder image of docker/, which has the TensorRT of its Triton",
    "tensorrt_rtx": "pip install tensorrt-rtx-cu13-libs tensorrt-rtx-cu13-bindings",
}


@dataclass(frozen=True)
class Bindings:
    """An imported flavour of TensorRT."""

    runtime: str
    """tensorrt or tensorrt_rtx."""
    trt: Any
    """The module."""

    def __str__(self) -> str:
        return f"{TITLES[self.runtime]} {self.version}"

    @property
    def version(self) -> str:
        return str(self.trt.__version__)

    def create_builder(self, logger: Any) -> Any:
        """A Builder that logs to `logger`.

        TensorRT-RTX holds a lock while it makes a Builder and logs that, and takes the same lock
        while it deletes one. Python's collector may run within the logging: so what it would
        delete is collected before, or both would wait for ever.

        Raises:
            TypeError, RuntimeError: pybind11's words for a null pointer.
        """
        gc.collect()
        # TensorRT's parser makes a plugin of RoiAlign, and finds it only once it is registered.
        # TensorRT-RTX registers its own.
        if hasattr(self.trt, "init_libnvinfer_plugins"):
            self.trt.init_libnvinfer_plugins(logger, "")
        return self.trt.Builder(logger)

    @cached_property
    def hardware_compatibility_levels(self) -> dict[str, Any]:
        """What --hardware-compatibility may be, by its names for it: TensorRT 10.4 has fewer."""
        levels = self.trt.HardwareCompatibilityLevel.__members__
        return {name.lower(): value for name, value in levels.items()}

    @cached_property
    def target_capabilities(self) -> dict[str, Any]:
        """The compute capabilities that it compiles for without such a GPU, by name ("8.9").

        Empty where it builds for the GPU of the machine, and tunes on it: TensorRT does.
        """
        if not hasattr(self.trt, "ComputeCapability"):
            return {}
        members = self.trt.ComputeCapability.__members__
        named = ((re.fullmatch(r"SM(\d+)(\d)", name), value) for name, value in members.items())
        return {f"{match[1]}.{match[2]}": value for match, value in named if match}


def load_bindings(runtime: str) -> Bindings:
    """Imports the bindings of `runtime`, a key of `MODULES`.

    Raises:
        BuildError: they are not installed, or do not find their libraries.
    """
    reasons = []
    for name in MODULES[runtime]:
        try:
            return Bindings(runtime, importlib.import_module(name))
        except (ImportError, OSError) as error:
            reasons.append(f"{name}: {error}")
    raise BuildError(
        f"{TITLES[runtime]} is not installed for {sys.executable} ({'; '.join(reasons)}). Get it "
        f"with: {HOW_TO_GET[runtime]}"
    )
