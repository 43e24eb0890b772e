"""The network, ``model.onnx`` beside this file, in ONNX Runtime or PyTorch, on batched requests."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

# Before its import: since 1.29 ONNX Runtime reports to its makers over the network.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import triton_python_backend_utils as pb_utils
from threads import share_of_cores

MODEL = Path(__file__).with_name("model.onnx")
INPUTS = ("canvas", "image_size")


class Network(Protocol):
    """The network in a runtime."""

    def is_ready(self) -> bool:
        """Returns whether it can run; an exception says the same as False."""

    def run(self, outputs: Sequence[str], batch: Mapping[str, Any]) -> list[Any]:
        """Returns the outputs of that name for the inputs of a batch."""


class TritonPythonModel:
    """Runs the network; the tensors are described in ``configs/``."""

    def initialize(self, args: dict[str, Any]) -> None:
        config = json.loads(args["model_config"])
        gpu = None
        if args["model_instance_kind"] == "GPU":
            gpu = int(args["model_instance_device_id"])
        self.network: Network
        if config["parameters"]["runtime"]["string_value"] == "pytorch":
            self.network = _in_pytorch(gpu)
        else:
            self.network = _in_onnxruntime(config, gpu)

    def is_ready(self) -> bool:
        """Asked by Triton 2.67 (26.03) and later; an exception makes the model not ready, too."""
        return self.network.is_ready()

    def execute(self, requests: list[Any]) -> list[Any]:
        """Run the requests on equal canvases as one batch."""
        by_canvas: dict[tuple[int, ...], list[int]] = {}
        for place, request in enumerate(requests):
            by_canvas.setdefault(_input(request, "canvas").shape[1:], []).append(place)
        responses: dict[int, Any] = {}
        for places in by_canvas.values():
            group = [requests[place] for place in places]
            responses.update(zip(places, self._run(group), strict=True))
        return [responses[place] for place in range(len(requests))]

    def _run(self, requests: list[Any]) -> list[Any]:
        batch = {name: _batched(requests, name) for name in INPUTS}
        requested = sorted({name for r in requests for name in r.requested_output_names()})
        outputs = dict(zip(requested, self.network.run(requested, batch), strict=True))
        responses, start = [], 0
        for request in requests:
            stop = start + len(_input(request, "image_size"))
            responses.append(
                pb_utils.InferenceResponse(
                    [
                        pb_utils.Tensor(name, outputs[name][start:stop])
                        for name in sorted(request.requested_output_names())
                    ]
                )
            )
            start = stop
        return responses


def _in_onnxruntime(config: dict[str, Any], gpu: int | None) -> Network:
    import onnxruntime as ort
    from cpu_network import CpuNetwork
    from cuda_network import CudaNetwork

    options = ort.SessionOptions()
    options.intra_op_num_threads = _threads(config)
    # An int8 network is to be computed as it is written: see builder/network/int8.py.
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    # Threads that wait in a loop take their core from pre- and postprocess.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if gpu is None:
        return CpuNetwork(MODEL, options)
    return CudaNetwork(MODEL, options, gpu)


def _in_pytorch(gpu: int | None) -> Network:
    if gpu is None:
        raise RuntimeError(
            "PyTorch runs the network on GPUs alone, and this instance is on the CPU; serve with "
            "--model-config-name onnxruntime"
        )
    try:
        from torch_network import TorchNetwork
    except ImportError as error:
        raise RuntimeError(
            f"this network is served in PyTorch: {error}; install it for the Python that Triton "
            "runs: pip install torch torchvision onnx"
        ) from error
    return TorchNetwork(MODEL, gpu, pb_utils.Logger.log_info)


def _threads(model_config: dict[str, Any]) -> int:
    """The configured number; for 0 this instance's share of the cores."""
    threads = int(model_config["parameters"]["intra_op_num_threads"]["string_value"])
    instances = sum(group["count"] for group in model_config["instance_group"])
    return threads or share_of_cores(instances)


def _batched(requests: list[Any], name: str) -> Any:
    tensors = [_input(request, name) for request in requests]
    return tensors[0] if len(tensors) == 1 else np.concatenate(tensors)


def _input(request: Any, name: str) -> Any:
    return pb_utils.get_input_tensor_by_name(request, name).as_numpy()
