"""Files written by torch itself, for tests that run without it, and what they hold.

``python tests/builder/weights/torch_archives.py``, run by hand, writes them into the folder
``written_by_torch``, called after the torch that it runs under. Those there are of torch 1.6.0, the
first to write this format (Python 3.8, NumPy 1.24), and of 2.13.0.
"""

from __future__ import annotations

import argparse
import pathlib
import warnings
from collections import Counter, OrderedDict, defaultdict
from typing import Any

import numpy as np

FOLDER = pathlib.Path(__file__).with_name("written_by_torch")

MATRIX = np.arange(12, dtype=np.float32).reshape(3, 4) / 8 - 0.5


def expected() -> dict[str, Any]:
    """What the files called tensors hold, as arrays by name."""
    sevenths = np.array([1 / 7, -1 / 7, 1e-20, 3e38, 0, -0.0], np.float32)
    arrays = {
        "dtype.float16": MATRIX.astype(np.float16),
        "dtype.float32": sevenths,
        "dtype.float64": sevenths.astype(np.float64) / 3,
        "dtype.bfloat16": np.array([1.140625, -3.0, 2.0**-100, np.inf, 0, -0.0], np.float32),
        "dtype.bool": np.array([True, False]),
        "stride.contiguous": MATRIX,
        "stride.transposed": MATRIX.T,
        "stride.every_other": MATRIX[::2, 1::2],
        "stride.expanded": np.broadcast_to(MATRIX[:, :1], (3, 5)),
        "stride.expanded_scalar": np.full((2, 2), 7, np.float32),
        "stride.view_of_the_same": MATRIX[1:, 2],
        "stride.channels_last": np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4),
        "size.empty": np.zeros((0, 3), np.float32),
        "size.scalar": np.array(2.5, np.float32),
        "parameter.plain": MATRIX,
        "parameter.with_attributes": MATRIX,
        "tensor.with_attributes": MATRIX,
    }
    for name in ("int8", "int16", "int32", "int64", "uint8"):
        arrays[f"dtype.{name}"] = np.array([1, 2, np.iinfo(name).max], name)
    return arrays


def tensors() -> dict[str, Any]:
    """The same, as torch makes them."""
    import torch

    made = {name: torch.from_numpy(array.copy()) for name, array in expected().items()}
    made["dtype.bfloat16"] = made["dtype.bfloat16"].bfloat16()
    matrix = torch.from_numpy(MATRIX)
    made.update(
        {
            "stride.contiguous": matrix,
            "stride.transposed": matrix.t(),
            "stride.every_other": matrix[::2, 1::2],
            "stride.expanded": matrix[:, :1].expand(3, 5),
            "stride.expanded_scalar": torch.tensor(7.0).expand(2, 2),
            "stride.view_of_the_same": matrix[1:, 2],
            "stride.channels_last": made["stride.channels_last"].contiguous(
                memory_format=torch.channels_last
            ),
            "parameter.plain": torch.nn.Parameter(matrix),
            "parameter.with_attributes": torch.nn.Parameter(matrix.clone(), requires_grad=False),
        }
    )
    made["parameter.with_attributes"].note = "kept by newer torch"
    made["tensor.with_attributes"].note = "kept by newer torch"
    return made


def training_run() -> dict[str, Any]:
    """What a training script saves: a wrapped model, and much beside it."""
    import torch

    model = torch.nn.DataParallel(
        torch.nn.Sequential(
            OrderedDict(conv=torch.nn.Conv2d(2, 3, 1), norm=torch.nn.BatchNorm2d(3))
        )
    )
    with torch.no_grad():
        for number, parameter in enumerate(model.parameters()):
            parameter.fill_(number)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.ones(1, 2, 3, 3)).sum().backward()
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [10, 20])
    state = model.state_dict()
    optimizer.step()
    return {
        "model": OrderedDict((name, tensor.clone()) for name, tensor in state.items()),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "iteration": 7,
        "best": np.float64(0.5),
        "losses": np.arange(3, dtype=np.float32),
        "args": argparse.Namespace(output=pathlib.PosixPath("/tmp/x"), gpus={0, 1}),
        "counts": Counter("abba"),
        "by_class": defaultdict(list, a=[1]),
        "torch": torch.__version__,
        "device": torch.device("cpu"),
        "shape": torch.Size([1, 2]),
        "dtype": torch.float32,
        "rng": torch.get_rng_state()[:16],
        "ema_state": {"module.conv.weight": torch.zeros(3, 2, 1, 1)},
    }


def refused() -> dict[str, Any]:
    """What is not read, by the name of the file."""
    import torch

    matrix = torch.from_numpy(MATRIX)
    made = {
        "whole_model": torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1)),
        "sparse": {"a.b": matrix.to_sparse()},
        "quantized": {"a.b": torch.quantize_per_tensor(matrix, 0.1, 0, torch.qint8)},
        "complex": {"a.b": torch.view_as_complex(matrix.view(3, 2, 2))},
    }
    if hasattr(torch, "float8_e4m3fn"):
        made["float8"] = {"a.b": matrix.to(torch.float8_e4m3fn)}
        made["meta"] = {"a.b": matrix.to("meta")}
        negated = torch.view_as_complex(matrix.view(3, 2, 2)).conj().imag
        made["negated"] = {"a.b": negated}
    return made


def main() -> None:
    import torch

    warnings.simplefilter("ignore")
    version = torch.__version__.partition("+")[0]

    def save(name: str, content: object, **options: object) -> None:
        torch.save(content, FOLDER / f"{name}_{version}.pth", **options)

    FOLDER.mkdir(exist_ok=True)
    torch.manual_seed(0)
    save("tensors", {"model": tensors()})
    save("training_run", training_run())
    save("legacy", {"a.b": torch.ones(2)}, _use_new_zipfile_serialization=False)
    for name, content in refused().items():
        save(name, content)
    scripted = torch.jit.script(torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1)))
    torch.jit.save(scripted, str(FOLDER / f"torchscript_{version}.pth"))


if __name__ == "__main__":
    main()
