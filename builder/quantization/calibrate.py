"""What enters each layer that can run in int8, measured with ONNX Runtime's calibrator.

The range of a layer's input reaches to the mean, over pictures, of the greatest value in each, or
of the least where that is farther from 0. On the demo model this lost the least AP of ONNX
Runtime's calibrators, by some tenths. The maximum over all pictures grows with their number;
percentiles need histograms, which take four times as long, and all activations of a picture in
memory at once; entropy, over histograms fine enough to choose from, cut off 4 AP.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from artifact.telemetry import disable_telemetry
from builder.errors import BuildError
from builder.network import ModelConfig, export_onnx, network_spec
from builder.network.int8 import FP16_MAX
from builder.quantization.pictures import network_inputs

disable_telemetry()

import onnxruntime  # noqa: E402
from onnxruntime.quantization.calibrate import MinMaxCalibrater  # noqa: E402


def measure_input_ranges(
    config: ModelConfig,
    weights: Mapping[str, npt.NDArray[np.float32]],
    pictures: Sequence[Path],
    report: Callable[[str], None],
) -> dict[str, float]:
    """Runs the fp32 network on pictures.

    Args:
        config, weights: as for `builder.network.export_onnx`.
        pictures: files that can be decoded.
        report: is given a line such as "picture 3 of 32" before each picture.

    Returns:
        For the path of each layer that can run in int8, the magnitude that its range has to
        reach. A layer that runs twice (res5) has the larger of both.

    Raises:
        BuildError: a layer's input is not finite, or beyond fp16.
    """
    model = export_onnx(config, weights, static=True)  # Nothing is measured within a loop.
    inputs = layer_inputs(model, network_spec(config).quantizable_layers)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        onnx.save_model(model, file)
        del model
        calibrater = _Calibrater(file, {tensor for names in inputs.values() for tensor in names})
        calibrater.augment_graph()
        calibrater.create_inference_session()
        # In one call, because the mean is over the pictures of a call.
        calibrater.collect_data(_Reader(pictures, config, report))
        found = calibrater.compute_data()
    ranges = {
        path: float(np.max(np.abs([found[tensor].range_value for tensor in tensors])))
        for path, tensors in inputs.items()
    }
    for path, largest in ranges.items():
        if not largest <= FP16_MAX:  # which is true of NaN
            raise BuildError(
                f"{path}: its input reaches {largest:g} on the pictures of --calibration; fp16, "
                f"which is what surrounds the int8 layers, ends at {FP16_MAX:g}"
            )
    return ranges


def layer_inputs(model: onnx.ModelProto, layers: Sequence[str]) -> dict[str, list[str]]:
    """The tensors that enter the product of each of `layers` of an fp32 network."""
    reshaped = {n.output[0]: n.input[0] for n in model.graph.node if n.op_type == "Reshape"}
    inputs: dict[str, list[str]] = {path: [] for path in layers}
    for node in model.graph.node:
        if node.op_type in ("Conv", "Gemm"):
            weight = reshaped.get(node.input[1], node.input[1])
            path = weight.removesuffix(".weight")
            if path in inputs:
                inputs[path].append(node.input[0])
    return inputs


class _Calibrater(MinMaxCalibrater):
    """ONNX Runtime's, on chosen tensors; in the graph itself, so that no activation is kept."""

    def __init__(self, model: Path, tensors: set[str]) -> None:
        self.tensors = tensors
        augmented = str(model.with_name("augmented.onnx"))
        super().__init__(model, augmented_model_path=augmented, symmetric=True, moving_average=True)

    def create_inference_session(self) -> None:
        options = onnxruntime.SessionOptions()
        # The arena would keep what the largest picture took, and more for each other size.
        options.enable_cpu_mem_arena = False
        self.infer_session = onnxruntime.InferenceSession(
            self.augmented_model_path, options, providers=["CPUExecutionProvider"]
        )

    def select_tensors_to_calibrate(self, model: onnx.ModelProto) -> tuple[set[str], Any]:
        return self.tensors, None


class _Reader:
    """The `CalibrationDataReader` of the pictures: hands over one at a time."""

    def __init__(
        self, pictures: Sequence[Path], config: ModelConfig, report: Callable[[str], None]
    ) -> None:
        self.pictures = pictures
        self.config = config
        self.report = report
        self.next = 0

    def get_next(self) -> dict[str, npt.NDArray[np.generic]] | None:
        """The inputs for the next picture, None after the last."""
        if self.next == len(self.pictures):
            return None
        self.next += 1
        self.report(f"picture {self.next} of {len(self.pictures)}")
        return network_inputs(self.pictures[self.next - 1], self.config)
