"""From ONNX to TensorRT's network definition."""

from __future__ import annotations

from typing import Any

from builder.errors import BuildError
from builder.tensorrt.bindings import Bindings


def create_network(trt: Any, builder: Any) -> Any:
    """An empty network in which each tensor has the type that the ONNX graph gives it."""
    # Where the flag is gone, no network is of another kind.
    strongly_typed = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return builder.create_network(0 if strongly_typed is None else 1 << int(strongly_typed))


def parse_onnx(bindings: Bindings, network: Any, logger: Any, model: bytes) -> Any:
    """Fills `network` from an ONNX model.

    Returns:
        The parser. It owns the weights: keep it for as long as the network.

    Raises:
        BuildError: TensorRT cannot take a node; the message names it with its module path.
    """
    parser = bindings.trt.OnnxParser(network, logger)
    if not parser.parse(model):
        errors = [parser.get_error(i) for i in range(parser.num_errors)]
        lines = "".join(f"\n  {_described(error)}" for error in errors)
        raise BuildError(f"{bindings} cannot take the network:{lines}")
    return parser


def _described(error: Any) -> str:
    reason = f"{error.code().name}: {error.desc()} (in {error.func()})"
    if not error.node_name():
        return reason
    return f"{error.node_name()} ({error.node_operator()}): {reason}"
