"""Checkpoints of torch (.pth), read only where torch is installed."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from builder.errors import BuildError
from builder.weights.checkpoint import model_state


def read_torch(path: Path) -> dict[str, object]:
    """The tensors of a checkpoint by name, as arrays; floating point ones as float32.

    The file is loaded with `weights_only`, so that no code in it can run.

    Raises:
        BuildError: torch is not installed, or the file is not a checkpoint of tensors.
    """
    try:
        torch: Any = importlib.import_module("torch")
    except ImportError as error:
        raise BuildError(
            f"{path}: reading .pth needs torch, which is not installed: `pip install torch`, or "
            f"convert the file to .pkl where torch is:\n"
            f'  python -c "import pickle, torch; '
            f"c = torch.load('{path.name}', map_location='cpu', weights_only=True); "
            f"m = {{k: v.numpy() for k, v in c.get('model', c).items()}}; "
            f"pickle.dump({{'model': m}}, open('{path.stem}.pkl', 'wb'))\""
        ) from error
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load documents no set of exceptions
        reason = str(error).strip().split("\n", 1)[0]
        raise BuildError(
            f"{path}: torch cannot load it as a checkpoint of tensors (weights_only): {reason}"
        ) from error
    return {name: _as_array(torch, value) for name, value in model_state(path, checkpoint).items()}


def _as_array(torch: Any, value: Any) -> object:
    if not isinstance(value, torch.Tensor) or value.layout != torch.strided or value.is_quantized:
        return value
    value = value.detach()
    return (value.float() if value.is_floating_point() else value).numpy()
