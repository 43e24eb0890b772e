"""The network's ONNX graph as PyTorch functions, for inputs of one shape.

What follows from the shape alone is computed at once. Of the rest, each stretch of nodes without a
loop between them becomes one function; a loop runs its body, which is such a program again.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, Protocol

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator
from torch.fx.experimental.proxy_tensor import make_fx
from torch_operators import OPERATORS, SETTINGS, Known

PRECISIONS = ("fp16", "fp32")
"""Those of a build that have the operators which are here."""

Step = Callable[[], object]


class Prepare(Protocol):
    """Makes a function of tensors ready to be run many times."""

    def __call__(
        self, function: torch.fx.GraphModule, inputs: Sequence[torch.Tensor]
    ) -> tuple[Step, Sequence[torch.Tensor]]:
        """Returns what puts the function of `inputs` into some tensors, and these."""


class Constants:
    """Known values as tensors on a device; equal ones are one, such as the weights of programs."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._tensors: dict[tuple[Any, ...], torch.Tensor] = {}

    def of(self, known: Known) -> torch.Tensor:
        content = np.ascontiguousarray(known)
        key = known.dtype, known.shape, hashlib.sha256(content.data).digest()
        if key not in self._tensors:
            tensor = torch.from_numpy(np.array(known)).to(self.device)
            if tensor.ndim == 4:  # As tensor cores take a convolution's weights.
                tensor = tensor.contiguous(memory_format=torch.channels_last)
            self._tensors[key] = tensor
        return self._tensors[key]


class Program:
    """A graph as steps that are run one after the other."""

    def __init__(
        self,
        graph: onnx.GraphProto,
        values: dict[str, torch.Tensor | Known],
        constants: Constants,
        prepare: Prepare,
    ) -> None:
        """Runs the graph once.

        Args:
            graph: each `If` in it depends on an initializer, and all sizes on those of inputs.
            values: of its inputs, and of what it uses from outside; those of its initializers are
                used instead of the graph's. Tensors are read anew in each run.
            constants: the known values as tensors.
            prepare: for each stretch.

        Raises:
            NotImplementedError: an operator that the network does not have.
        """
        self._values, self._constants, self._prepare = values, constants, prepare
        self._steps: list[Step] = []
        self._read_initializers(graph)
        outputs = {output.name for output in graph.output}
        coming = deque(graph.node)
        stretch: list[onnx.NodeProto] = []
        while coming:
            node = coming.popleft()
            if node.op_type == "If":
                coming.extendleft(reversed(self._branch(node)))
            elif node.op_type == "Loop":
                self._add_stretch(stretch, {*outputs, *_uses([node, *coming])})
                stretch = []
                self._add_loop(node)
            else:
                stretch.append(node)
        self._add_stretch(stretch, outputs)

    def output(self, name: str) -> torch.Tensor:
        """An output of the graph, as the last run left it."""
        return self._tensor(self._values[name])

    def run(self) -> None:
        """Compute the outputs anew."""
        for step in self._steps:
            step()

    def _read_initializers(self, graph: onnx.GraphProto) -> None:
        for tensor in graph.initializer:
            if tensor.name not in self._values:
                self._values[tensor.name] = numpy_helper.to_array(tensor)

    def _branch(self, node: onnx.NodeProto) -> list[onnx.NodeProto]:
        """The nodes that an `If` comes to."""
        taken = "then_branch" if self._values[node.input[0]] else "else_branch"
        branch = _attributes(node)[taken]
        self._read_initializers(branch)
        renamed = [
            onnx.helper.make_node("Identity", [inner.name], [outer])
            for inner, outer in zip(branch.output, node.output, strict=True)
        ]
        return [*branch.node, *renamed]

    def _add_stretch(self, nodes: Sequence[onnx.NodeProto], used_later: set[str]) -> None:
        inputs = [name for name in _uses(nodes) if isinstance(self._values.get(name), torch.Tensor)]
        arguments = [self._values[name] for name in inputs]
        found = self._evaluate(nodes, self._values, used_later)
        known = {name: value for name, value in found.items() if isinstance(value, Known)}
        made = [name for node in nodes for name in node.output if name in used_later]
        outputs = [name for name in made if name not in known]
        self._values.update({name: found[name] for name in made})
        depending = [node for node in nodes if not all(name in known for name in node.output)]

        def function(*tensors: torch.Tensor) -> list[torch.Tensor]:
            values = {**known, **dict(zip(inputs, tensors, strict=True))}
            found = self._evaluate(depending, values, used_later)
            return [found[name] for name in outputs]

        if outputs:
            step, tensors = self._prepare(make_fx(function)(*arguments), arguments)
            step()
            self._steps.append(step)
            self._values.update(zip(outputs, tensors, strict=True))

    def _evaluate(
        self,
        nodes: Sequence[onnx.NodeProto],
        values: Mapping[str, torch.Tensor | Known],
        used_later: Set[str],
    ) -> dict[str, torch.Tensor | Known]:
        """The values with those that nodes make of them, but for tensors that no one needs."""
        values = dict(values)
        last_use = {name: place for place, node in enumerate(nodes) for name in node.input}
        for place, node in enumerate(nodes):
            values.update(zip(node.output, self._run(node, values), strict=True))
            for name in {*filter(None, node.input), *node.output} - used_later:
                if last_use.get(name, place) == place and isinstance(values[name], torch.Tensor):
                    del values[name]
        return values

    def _run(
        self, node: onnx.NodeProto, values: dict[str, torch.Tensor | Known]
    ) -> Sequence[torch.Tensor | Known]:
        """The outputs of a node that is neither `If` nor `Loop`."""
        inputs: list[Any] = [values[name] if name else None for name in node.input]
        attributes = _attributes(node)
        if node.op_type == "Shape":
            ends = attributes.get("start", 0), attributes.get("end")
            return [np.array(inputs[0].shape[slice(*ends)], np.int64)]
        if not any(isinstance(value, torch.Tensor) for value in inputs):
            known = dict(zip(node.input, inputs, strict=True))
            return list(ReferenceEvaluator(node).run(None, known))
        if node.op_type not in OPERATORS:
            raise NotImplementedError(
                f"{node.name or node.output[0]} is ONNX's {node.op_type}, which is not written in "
                f"PyTorch here; build with --precision {' or '.join(PRECISIONS)}"
            )
        settings = SETTINGS.get(node.op_type, ())
        arguments = [
            value if place in settings or value is None else self._number_or_tensor(value)
            for place, value in enumerate(inputs)
        ]
        outputs = OPERATORS[node.op_type](attributes, *arguments)
        return [outputs] if isinstance(outputs, torch.Tensor) else outputs

    def _number_or_tensor(self, value: torch.Tensor | Known) -> Any:
        """A number where there are no axes, for a compiler to write into its code."""
        if isinstance(value, torch.Tensor) or value.ndim:
            return self._tensor(value)
        return value.item()

    def _tensor(self, value: torch.Tensor | Known) -> torch.Tensor:
        return value if isinstance(value, torch.Tensor) else self._constants.of(value)

    def _add_loop(self, node: onnx.NodeProto) -> None:
        most, begins, *before = (self._values[name] for name in node.input)
        body = _attributes(node)["body"]
        initial = [self._tensor(value) for value in before]
        state = [value.clone() for value in initial]
        number = torch.zeros((), dtype=torch.int64, device=self._constants.device)
        inputs = [number, np.array(True), *state]
        names = [value.name for value in body.input]
        values = {**self._values, **dict(zip(names, inputs, strict=True))}
        program = Program(body, values, self._constants, self._prepare)
        goes_on, *after = (program.output(value.name) for value in body.output)

        def loop() -> None:
            for tensor, value in zip(state, initial, strict=True):
                tensor.copy_(value)
            rounds, going_on = 0, bool(begins)
            while going_on and rounds < most:
                number.fill_(rounds)
                program.run()
                for tensor, value in zip(state, after, strict=True):
                    tensor.copy_(value)
                rounds, going_on = rounds + 1, bool(goes_on)

        loop()
        self._steps.append(loop)
        self._values.update(zip(node.output, state, strict=True))


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {
        attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute
    }


def _uses(nodes: Iterable[onnx.NodeProto]) -> list[str]:
    """Names of all values that the nodes use, once each."""

    def names(nodes: Iterable[onnx.NodeProto]) -> Iterator[str]:
        for node in nodes:
            yield from node.input
            for attribute in node.attribute:
                if attribute.type == onnx.AttributeProto.GRAPH:
                    yield from names(attribute.g.node)
                    yield from (output.name for output in attribute.g.output)

    return list(dict.fromkeys(names(nodes)))
