"""Checkpoints of torch (.pth, .pt, .ckpt), read without torch."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np

from builder.weights.checkpoint import model_state
from builder.weights.torch_archive import TorchArchive, conversion
from builder.weights.torch_tensors import ADMITTED, Storages, Tensor, storage_of
from builder.weights.unpickler import ArrayUnpickler, RefusedError, unpickle

_WEIGHTS_OF_ANYTHING = (
    "c = torch.load(old, map_location='cpu', weights_only=False); "
    "m = c.get('model', c.get('state_dict', c)) if isinstance(c, dict) else c; "
    "torch.save(m if isinstance(m, dict) else m.state_dict(), new)"
)
"""In Python, of a whole model, of one in a dictionary, and of weights beside anything else."""

_NOT_READ = (
    (
        r"torch\..*(_rebuild_qtensor|Q\w*Int\w+Storage|\.qu?int\d\w*)",
        "a quantized tensor",
        "Save it after `.dequantize()`",
    ),
    (r"torch\..*_rebuild_sparse\w*", "a sparse tensor", "Save it after `.to_dense()`"),
    (
        r"torch\..*_rebuild_meta_tensor\w*",
        "a tensor on the device meta, which has no values",
        "Load the model's weights before it is saved",
    ),
    (r"torch\..*_rebuild_device\w*", "a tensor of a device", "Save it after `.cpu()`"),
    (r"torch\.float[48]\w*", "numbers of 8 bits or less", "Save them after `.float()`"),
    (r"torch\.Complex\w+", "complex numbers", "Weights are real numbers"),
)
"""What else torch.save writes of a tensor: the name in the pickle, what it is, what to do."""


def read_torch(path: Path) -> dict[str, object]:
    """The tensors of a checkpoint by name, as arrays in the precision of the file.

    bfloat16, which NumPy lacks, becomes float32. What the file holds beside the model, such as
    an optimizer, is not read.

    Raises:
        BuildError: the file is no checkpoint of tensors in the format that torch has written since
            1.6, asks for more than tensors and plain containers, is damaged, or holds no model.
    """
    with path.open("rb") as file:
        archive = TorchArchive(path, file)
        storages = Storages(path, archive)
        checkpoint = unpickle(path, _TensorUnpickler(path, bytes(archive.read("data.pkl"))))
        arrays: dict[str, object] = {}
        for name, value in model_state(path, checkpoint).items():
            if isinstance(value, Tensor):
                value = storages.array(name, value)
            arrays[name] = np.asarray(value) if isinstance(value, np.ndarray) else value
    return arrays


class _TensorUnpickler(ArrayUnpickler):
    """Admits torch's tensors, whose numbers stay in the file."""

    def __init__(self, path: Path, content: bytes) -> None:
        super().__init__(io.BytesIO(content), len(content), ADMITTED)
        self._path = path
        # The attributes under which a torch.nn.Module keeps its parts.
        self._is_module = b"_parameters" in content and b"_modules" in content

    def find_class(self, module: str, name: str) -> Any:
        try:
            return super().find_class(module, name)
        except RefusedError as error:
            full_name = f"{module:.80}.{name:.80}"
            for pattern, kind, advice in _NOT_READ:
                if re.fullmatch(pattern, full_name):
                    raise RefusedError(f"it holds {kind} ({full_name})", advice) from None
            reason = str(error)
            if self._is_module:
                reason = f"it holds a {full_name}: the whole model was saved, not its weights"
            raise RefusedError(
                reason,
                f"{error.advice}. If you trust this one, write its weights alone with torch, where "
                f"its classes are installed, and give the new file:"
                + conversion(self._path, _WEIGHTS_OF_ANYTHING),
            ) from None

    def persistent_load(self, pid: Any) -> Any:
        return storage_of(pid)
