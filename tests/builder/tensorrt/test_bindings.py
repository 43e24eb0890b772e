from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from builder.errors import BuildError
from builder.tensorrt.bindings import Bindings, load_bindings


def test_tensorrt_rtx_names_the_gpus_that_it_compiles_for(rtx: Bindings) -> None:
    assert {"8.0", "8.6", "8.9", "12.0"} <= rtx.target_capabilities.keys()
    assert "9.0" not in rtx.target_capabilities
    assert str(rtx).startswith("TensorRT-RTX 1.")


def test_tensorrts_own_plugins_are_there_before_a_network_is_parsed() -> None:
    """Its ONNX parser looks for RoiAlign's among them; TensorRT-RTX has no such function."""
    called: list[object] = []
    trt = SimpleNamespace(
        init_libnvinfer_plugins=lambda logger, namespace: called.append((logger, namespace)),
        Builder=lambda logger: called.append(logger),
    )
    Bindings("tensorrt", trt).create_builder("logger")
    assert called == [("logger", ""), "logger"]


@pytest.mark.parametrize(
    ("runtime", "modules", "advice"),
    [
        ("tensorrt", ("tensorrt", "tensorrt_bindings"), "pip install tensorrt "),
        (
            "tensorrt_rtx",
            ("tensorrt_rtx", "tensorrt_rtx_bindings"),
            "pip install tensorrt-rtx-cu13-libs tensorrt-rtx-cu13-bindings",
        ),
    ],
)
def test_bindings_that_are_not_installed_are_named_with_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, runtime: str, modules: tuple[str, str], advice: str
) -> None:
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)  # as if it were not there
    with pytest.raises(BuildError, match="is not installed for") as error:
        load_bindings(runtime)
    assert advice in str(error.value)
    assert sys.executable in str(error.value)


COLLECTED_WHILE_LOGGING = """
import gc
from builder.tensorrt.bindings import load_bindings

bindings = load_bindings("tensorrt_rtx")

class CollectingLogger(bindings.trt.ILogger):
    def log(self, severity, message):
        gc.collect()

cycle = [bindings.create_builder(CollectingLogger())]
cycle.append(cycle)
del cycle
bindings.create_builder(CollectingLogger())
print("made")
"""


@pytest.mark.usefixtures("rtx")
def test_a_builder_that_only_the_collector_deletes_stops_no_other() -> None:
    made = subprocess.run(
        [sys.executable, "-c", COLLECTED_WHILE_LOGGING], capture_output=True, text=True, timeout=60
    )
    assert made.stdout == "made\n", made.stderr
