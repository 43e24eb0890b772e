from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, helper, save_model

from builder.errors import BuildError
from builder.tensorrt.bindings import Bindings


def write_model(path: Path, operator: str) -> None:
    """A network of one operator, with a name as the nodes of `builder.network` have."""
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4, 4]) for name in "xy"]
    node = helper.make_node(operator, ["x"], ["y"], name="roi_heads/mask_head/predictor/node_7")
    graph = helper.make_graph([node], "network", tensors[:1], tensors[1:])
    opset = helper.make_opsetid("", 18)
    save_model(helper.make_model(graph, opset_imports=[opset], ir_version=9), path)


@pytest.mark.parametrize(
    ("operator", "reason"), [("Det", "UNSUPPORTED_NODE"), ("NoSuchOperator", "INVALID_NODE")]
)
def test_a_node_that_tensorrt_does_not_take_is_named_with_its_module(
    rtx: Bindings,
    parse: Callable[[Bindings, bytes], Any],
    tmp_path: Path,
    operator: str,
    reason: str,
) -> None:
    write_model(tmp_path / "model.onnx", operator)
    with pytest.raises(BuildError) as error:
        parse(rtx, (tmp_path / "model.onnx").read_bytes())
    first, second = str(error.value).splitlines()
    assert first == f"{rtx} cannot take the network:"
    assert second.startswith(f"  roi_heads/mask_head/predictor/node_7 ({operator}): {reason}: ")


def test_bytes_that_are_no_onnx_are_refused(
    rtx: Bindings, parse: Callable[[Bindings, bytes], Any]
) -> None:
    with pytest.raises(BuildError, match=r"MODEL_DESERIALIZE_FAILED: .*parse the ONNX model"):
        parse(rtx, b"nonsense")
