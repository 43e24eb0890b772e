"""The network in PyTorch on a GPU: a program for each shape that a batch may have."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
import torch._inductor
from batch_parts import batch_parts
from torch_program import Constants, Program, Step

INITIALIZERS = {
    "one_by_one": np.array(False),
    "all_places": np.array(True),
    "in_rounds": np.array(True),
    "level_by_level": np.array(False),
}
"""Values for initializers of the network, where it has them: each size then follows from those of
the inputs. See what `runtime_choice` in builder/network is used for."""

WARM_UP = 2
"""Runs of a function before its capture, in which cuDNN tries its algorithms."""


class TorchNetwork:
    """Runs batches of 1, 2, 4, 8 … pictures, each size on each canvas as a program of its own.

    A program is compiled when its shape first comes, in the warm-up of ``configs/pytorch.pbtxt``.
    What Inductor compiled it keeps in a folder, TORCHINDUCTOR_CACHE_DIR, for the next start. Each
    function becomes a CUDA graph, which costs the CPU one launch; all share one pool of memory,
    because only one runs at a time.

    Args:
        model: the network in ONNX.
        device_id: the GPU, as CUDA counts them.
        report: told of each program.

    Raises:
        RuntimeError: the installed PyTorch has no CUDA.
    """

    def __init__(self, model: Path, device_id: int, report: Callable[[str], object]) -> None:
        if not torch.cuda.is_available():
            raise RuntimeError(
                f"this instance is on GPU {device_id}, but the installed PyTorch "
                f"{torch.__version__} finds no CUDA; install one with CUDA, or serve with "
                "--model-config-name onnxruntime"
            )
        torch.backends.cudnn.benchmark = True
        self._device = torch.device("cuda", device_id)
        self._report = report
        self._graph = onnx.load(model).graph
        self.outputs = [output.name for output in self._graph.output]
        """All that there are."""
        self._constants = Constants(self._device)
        self._pool = torch.cuda.graph_pool_handle()
        self._probe = torch.zeros(1, device=self._device)
        self._programs: dict[tuple[int, ...], tuple[dict[str, torch.Tensor], Program]] = {}

    def is_ready(self) -> bool:
        """Copies a number from the GPU.

        After a fault of the GPU, CUDA refuses this process everything, this too.

        Raises:
            RuntimeError: the GPU does not answer any more; the message has CUDA's reason.
        """
        return self._probe.item() == 0

    def run(self, outputs: Sequence[str], batch: Mapping[str, Any]) -> list[Any]:
        """Returns the outputs of that name for the inputs of a batch."""
        with torch.no_grad(), torch.cuda.device(self._device):
            parts = [self._run(outputs, part) for part in batch_parts(batch)]
        return [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]

    def _run(self, outputs: Sequence[str], batch: Mapping[str, Any]) -> list[Any]:
        shape = batch["canvas"].shape
        if shape not in self._programs:
            self._programs[shape] = self._program(batch)
        inputs, program = self._programs[shape]
        for name, tensor in inputs.items():
            tensor.copy_(torch.from_numpy(batch[name]))
        program.run()
        return [program.output(name).cpu().numpy() for name in outputs]

    def _program(self, batch: Mapping[str, Any]) -> tuple[dict[str, torch.Tensor], Program]:
        begin = time.perf_counter()
        inputs = {name: torch.from_numpy(array).to(self._device) for name, array in batch.items()}
        program = Program(self._graph, INITIALIZERS | inputs, self._constants, self._captured)
        shape = "x".join(map(str, batch["canvas"].shape[:3]))
        self._report(f"compiled for {shape} in {time.perf_counter() - begin:.0f} s")
        return inputs, program

    def _captured(
        self, function: torch.fx.GraphModule, inputs: Sequence[torch.Tensor]
    ) -> tuple[Step, Sequence[torch.Tensor]]:
        compiled = torch._inductor.compile(function, list(inputs))
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM_UP):
                compiled(*inputs)
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            outputs = compiled(*inputs)
        return graph.replay, outputs
