"""Trained weights from a file, with names and shapes checked and BatchNorm folded.

`parameters` is what a file has to hold, as the network tells it. `load` picks a reader by the
file's suffix: `pickle_reader` (.pkl), `torch_reader` (.pth) or `wts`, which also writes. The first
two have in common the `unpickler`; torch's files also need `torch_archive` and `torch_tensors`.
`checkpoint` finds the model in what a training run wrote, `check` compares it with the network,
and `batch_norm` folds it.
"""

from builder.weights.load import load_weights
from builder.weights.parameters import Parameters
from builder.weights.wts import write_wts

__all__ = ["Parameters", "load_weights", "write_wts"]
