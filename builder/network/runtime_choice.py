"""One of two ways to the same answer, which the runtime chooses when it loads the network.

The choice is an initializer, for which a runtime may have another value; the graph's own is that of
ONNX Runtime on a CPU. ONNX Runtime puts the chosen way in the place of the `If`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

Outputs = Sequence[tuple[ir.DataType, Sequence[int | str | None]]]
"""Type and shape of each."""


def runtime_choice(
    op: Any,
    name: str,
    value: bool,
    if_true: Callable[[Any], Sequence[ir.Value]],
    if_false: Callable[[Any], Sequence[ir.Value]],
    outputs: Outputs,
) -> list[ir.Value]:
    """What one of two functions of `op` makes.

    Args:
        name: of the initializer, one for all choices of that name.
        value: of the initializer, on a CPU.
        outputs: of either function.
    """

    choice = op.builder.root.graph.initializers.get(name)
    if choice is None:
        choice = op.builder.initializer(ir.tensor(np.array(value), name=name), qualify=False)
    return branches(op, choice, if_true, if_false, outputs)


def branches(
    op: Any,
    condition: ir.Value,
    if_true: Callable[[Any], Sequence[ir.Value]],
    if_false: Callable[[Any], Sequence[ir.Value]],
    outputs: Outputs,
) -> list[ir.Value]:
    """What one of two functions of `op` makes, by a condition BOOL []."""

    def branch(function: Callable[[Any], Sequence[ir.Value]]) -> ir.Graph:
        def made(op: Any) -> Sequence[ir.Value]:
            op.builder.push_module(function.__name__)  # Names must differ from those outside.
            return function(op)

        values = [ir.val(f"choice_{n}", *each) for n, each in enumerate(outputs)]
        graph: ir.Graph = op.builder.subgraph(
            made, inputs=[], outputs=values, name=function.__name__
        )
        return graph

    found = op.If(
        condition,
        then_branch=branch(if_true),
        else_branch=branch(if_false),
        _outputs=len(outputs),
    )
    return list(found) if len(outputs) > 1 else [found]
